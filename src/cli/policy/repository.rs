//! `--repo`: the policy held against the repository it is for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, anyhow};

use super::file::Source;
use super::finding::Report;
use crate::app::system_clock;
use crate::cli::Failure;
use crate::config;
use crate::domain::decide::Permission;
use crate::domain::people::Account;
use crate::domain::policy::codeowners::CodeOwners;
use crate::domain::policy::{
    Environment, Kind, Member, PATH, Places, PolicyError, PolicyFile, Remark, Rule, World, parse, survey,
};
use crate::github::client::Error;
use crate::github::facts::PolicyFile as FileOnGitHub;
use crate::github::files::FileAt;
use crate::github::organization::OrganizationFile;
use crate::github::pacing::Limits;
use crate::github::survey::Files;
use crate::github::{GitHub, Place, Settings};

/// A repository, as it is written on the command line.
#[derive(Clone, Debug)]
pub struct Name {
    owner: String,
    name: String,
}

impl std::str::FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err("write it like acme/shop"),
        }
    }
}

/// Checks a file, or the one on the default branch, against the repository.
pub fn check(name: &Name, file: Option<Source>, code_owners: bool) -> Result<Report, Failure> {
    let app = config::load_app().context("--repo asks GitHub as the App that the server is").map_err(Failure::Usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let github = GitHub::new(&Settings {
            api_url: app.api_url,
            app_id: app.app_id,
            private_key: app.private_key,
            limits: Limits::default(),
            clock: system_clock(),
        })
        .map_err(|error| Failure::Usage(error.into()))?;
        let look = look(&github, name, file, code_owners);
        look.await.map_err(|error| Failure::Usage(error.context("the repository cannot be looked at")))
    })
}

async fn look(github: &GitHub, name: &Name, file: Option<Source>, code_owners: bool) -> anyhow::Result<Report> {
    let (tenant, repository) = match github.locate(&name.owner, &name.name).await {
        Err(Error::NotFound { .. }) => {
            return Err(anyhow!(
                "the App is not installed on {}/{}, or there is no such repository",
                name.owner,
                name.name
            ));
        }
        found => found?,
    };
    let place = Place { tenant: &tenant, repository: &repository };
    let Files { policy: on_github, workflows, unread } = github.policy_and_workflows(place).await?;
    let commit = match &on_github {
        FileOnGitHub::Absent { commit }
        | FileOnGitHub::Present { commit, .. }
        | FileOnGitHub::Unreadable { commit, .. } => commit.clone(),
    };
    let (mut report, policy) = match (file, on_github) {
        (Some(source), _) => Report::of(source),
        (None, FileOnGitHub::Present { text, .. }) => {
            Report::of(Source { shown: PATH.into(), in_repository: PATH.into(), text })
        }
        (None, FileOnGitHub::Absent { .. }) => (Report { policy: PATH.into(), ..Report::default() }, None),
        (None, FileOnGitHub::Unreadable { why, .. }) => {
            let mut report = Report { policy: PATH.into(), ..Report::default() };
            report.say(Kind::Invalid, format!("{PATH} cannot be read: {why}"));
            (report, None)
        }
    };
    if report.remarks.iter().any(|remark| remark.kind == Kind::Invalid) {
        report.say(Kind::NotChecked, "the repository is looked at when the file can be understood");
        return Ok(report);
    }
    let mut eye = Eye { github, place, report: &mut report };
    let world = World {
        repository: repository.full_name(),
        environments: eye.environments().await?,
        accounts: eye.accounts(policy.as_ref()).await?,
        teams: eye.teams(policy.as_ref()).await?,
        access: eye.access().await?,
        workflows: workflows.iter().cloned().collect(),
        besides: eye.organization().await?,
    };
    if code_owners {
        eye.code_owners(&commit).await?;
    }
    report.environments = Some(world.environments.len());
    let places = Places::of(report.sources.get(&report.policy).map_or("", |source| &source.text));
    report.remarks.extend(survey(policy.as_ref(), &places, &world));
    for (path, text) in workflows {
        report.sources.insert(path.clone(), Source { shown: path.clone(), in_repository: path, text });
    }
    for (path, why) in unread {
        let error = PolicyError { line: 0, column: 0, message: format!("{why}; where it deploys to is not known") };
        report.remarks.push(Remark { kind: Kind::UnreadableWorkflow, file: Some(path), error });
    }
    report.sort();
    Ok(report)
}

/// Looks at what one file is about. What GitHub does not show is said, and not guessed.
struct Eye<'a> {
    github: &'a GitHub,
    place: Place<'a>,
    report: &'a mut Report,
}

impl Eye<'_> {
    async fn environments(&mut self) -> Result<Vec<Environment>, Error> {
        let names = match self.github.environments(self.place).await {
            Err(Error::NotFound { .. }) => Vec::new(),
            names => names?,
        };
        let mut environments = Vec::with_capacity(names.len());
        for name in names {
            let is_guarded = self.github.guards(self.place, &name).await?;
            environments.push(Environment { name, is_guarded });
        }
        Ok(environments)
    }

    async fn accounts(&mut self, policy: Option<&PolicyFile>) -> Result<BTreeMap<String, Option<Account>>, Error> {
        let mut accounts = BTreeMap::new();
        let Some(policy) = policy else { return Ok(accounts) };
        let users = policy.approvers.values().flatten().filter_map(|member| match member {
            Member::User(login) => Some(login),
            _ => None,
        });
        let named = users.chain(policy.people.iter().flat_map(|person| &person.logins));
        for login in named.collect::<BTreeSet<_>>() {
            accounts.insert(login.clone(), self.github.account(self.place, login).await?);
        }
        Ok(accounts)
    }

    async fn teams(&mut self, policy: Option<&PolicyFile>) -> Result<BTreeMap<String, Option<Vec<Account>>>, Error> {
        let mut teams = BTreeMap::new();
        let members = policy.iter().flat_map(|policy| policy.approvers.values()).flatten();
        for member in members.collect::<BTreeSet<_>>() {
            let Member::Team { org, slug } = member else { continue };
            teams.insert(format!("{org}/{slug}"), self.github.team_members(self.place, org, slug).await?);
        }
        Ok(teams)
    }

    async fn access(&mut self) -> Result<Option<BTreeMap<String, (Account, Permission)>>, Error> {
        match self.github.everybody_with_access(self.place).await {
            Ok(all) => Ok(Some(all.into_iter().map(|(who, has)| (who.login.to_lowercase(), (who, has))).collect())),
            Err(error @ (Error::NotFound { .. } | Error::Forbidden { .. } | Error::Unprocessable { .. })) => {
                let message = format!("who has access was not shown, so nobody's was checked: {error}");
                self.report.say(Kind::NotChecked, message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The rules that hold for all of the organization's repositories.
    async fn organization(&mut self) -> Result<Vec<Rule>, Error> {
        let file = match self.github.organization_policy(self.place.tenant).await? {
            OrganizationFile::Seen(FileOnGitHub::Absent { .. }) => return Ok(Vec::new()),
            OrganizationFile::NotVisible => {
                let message = format!(
                    "{}/.github is not there, or Seconder is not installed in it: if the organization has rules, they do not hold here",
                    self.place.tenant.login
                );
                self.report.say(Kind::NoOrganization, message);
                return Ok(Vec::new());
            }
            OrganizationFile::Seen(file) => file,
        };
        let broken = match file {
            FileOnGitHub::Present { text, .. } => match parse(&text) {
                Ok(file) => return Ok(file.rules),
                Err(errors) => errors.first().to_string(),
            },
            FileOnGitHub::Unreadable { why, .. } => why,
            FileOnGitHub::Absent { .. } => return Ok(Vec::new()),
        };
        let message =
            format!("the organization's file, {}/.github:seconder.yml, is broken: {broken}", self.place.tenant.login);
        self.report.say(Kind::Organization, message);
        Ok(Vec::new())
    }

    async fn code_owners(&mut self, commit: &str) -> Result<(), Error> {
        match self.github.code_owners(self.place, commit).await? {
            FileAt::Absent => {
                self.report.say(Kind::CodeOwners, "there is no CODEOWNERS file; every file is the repository admins'");
            }
            FileAt::Unreadable { why } => {
                self.report.say(Kind::CodeOwners, format!("CODEOWNERS cannot be read: {why}"));
            }
            FileAt::Present { path, text, .. } => {
                for error in CodeOwners::parse(&text).errors() {
                    let (file, error) = (Some(path.to_owned()), error.clone());
                    self.report.remarks.push(Remark { kind: Kind::CodeOwners, file, error });
                }
                let source = Source { shown: path.to_owned(), in_repository: path.to_owned(), text };
                self.report.sources.insert(path.to_owned(), source);
            }
        }
        Ok(())
    }
}
