//! Classes: presets of paths and commands that many policies mean by the same word.

use std::sync::LazyLock;

use serde::Deserialize;

use super::glob::{Glob, Spelling};

/// A preset, as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name: `data-export`.
    pub name: String,
    /// What is held by it, in one line.
    pub meaning: String,
    /// What it is made of, tool by tool.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
}

/// What one page of a tool's documentation tells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The page.
    pub source: String,
    /// Files of the repository, as globs from its root.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Whole command lines, as globs whose `*` stands for any characters.
    #[serde(default)]
    pub commands: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presets {
    class: Vec<Class>,
}

/// The file is part of the program; that it can be read is held by a test.
static PRESETS: LazyLock<Vec<Class>> = LazyLock::new(|| {
    toml::from_str::<Presets>(include_str!("classes.toml")).map(|file| file.class).unwrap_or_default()
});

impl Class {
    /// The files it holds, as globs.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|group| &group.paths).map(String::as_str)
    }

    /// The command lines it holds, as globs.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|group| &group.commands).map(String::as_str)
    }
}

/// What a class of changes or commands means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meant {
    /// Changed files.
    pub paths: Vec<Glob>,
    /// Commands.
    pub commands: Vec<Glob>,
}

impl Meant {
    /// What a preset means. That its patterns are good is held by a test.
    #[must_use]
    pub fn of(preset: &Class) -> Self {
        let globs = |patterns: &mut dyn Iterator<Item = &str>, spelling| {
            patterns.filter_map(|pattern| Glob::new(pattern, spelling).ok()).collect()
        };
        Self {
            paths: globs(&mut preset.paths(), Spelling::Folders),
            commands: globs(&mut preset.commands(), Spelling::Exact),
        }
    }
}

/// The preset of this name. A policy that names one which does not exist holds something else than it says: refuse it.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Class> {
    PRESETS.iter().find(|class| class.name == name)
}

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|class| class.name.as_str())
}

#[cfg(test)]
mod tests {
    use globset::{GlobBuilder, GlobMatcher};

    use super::*;

    fn glob(pattern: &str) -> GlobMatcher {
        GlobBuilder::new(pattern).build().unwrap().compile_matcher()
    }

    fn holds_command(class: &str, line: &str) -> bool {
        preset(class).unwrap().commands().any(|pattern| glob(pattern).is_match(line))
    }

    fn holds_path(class: &str, path: &str) -> bool {
        preset(class).unwrap().paths().any(|pattern| glob(pattern).is_match(path))
    }

    #[test]
    fn the_presets_are_those_that_the_documentation_names() {
        assert_eq!(
            names().collect::<Vec<_>>(),
            ["data-export", "privilege", "infrastructure", "schema", "model-deploy"]
        );
        assert_eq!(preset("data_export"), None);
    }

    #[test]
    fn a_command_that_does_the_thing_is_held_and_one_that_only_looks_at_it_is_not() {
        for (class, held, not_held) in [
            ("data-export", "pg_dump --dbname=prod -f out.sql", "psql --dbname=prod -c 'select 1'"),
            ("data-export", "pg_dumpall", "pg_restore out.dump"),
            ("data-export", "mysqldump --all-databases", "mysql --version"),
            ("data-export", "mongoexport --collection=users", "mongoimport --collection=users"),
            ("data-export", "aws s3 cp s3://prod/users.csv .", "aws s3 ls s3://prod"),
            ("data-export", "aws --profile prod s3 sync s3://prod .", "aws --profile prod s3 ls"),
            ("data-export", "gcloud storage cp gs://prod/users.csv .", "gcloud storage ls gs://prod"),
            ("data-export", "gsutil -m cp -r gs://prod .", "gsutil ls gs://prod"),
            ("data-export", "bq extract prod.users gs://out/users.csv", "bq show prod.users"),
            ("privilege", "aws iam attach-role-policy --role-name ci", "aws iam list-roles"),
            ("privilege", "aws --profile x iam put-user-policy --user-name ci", "aws iam get-user"),
            ("privilege", "gcloud projects add-iam-policy-binding p --role=roles/owner", "gcloud projects list"),
            ("privilege", "az role assignment create --role Owner", "az role assignment list"),
            (
                "privilege",
                "kubectl create clusterrolebinding x --clusterrole=cluster-admin",
                "kubectl get rolebindings",
            ),
            ("privilege", "kubectl -n prod create rolebinding x --role=edit", "kubectl create configmap x"),
            ("infrastructure", "terraform apply", "terraform plan -out=apply.plan"),
            ("infrastructure", "terraform -chdir=prod apply -auto-approve", "terraform -chdir=prod validate"),
            ("infrastructure", "tofu destroy -auto-approve", "tofu show"),
            ("infrastructure", "kubectl --context prod apply -f app.yaml", "kubectl --context prod get pods"),
            ("infrastructure", "helm upgrade --install app ./chart", "helm list"),
            ("infrastructure", "pulumi -C prod up --yes", "pulumi preview"),
            ("infrastructure", "npx cdk deploy --all", "cdk diff"),
            ("schema", "alembic upgrade head", "alembic history"),
            ("schema", "alembic -c prod.ini downgrade -1", "alembic -c prod.ini current"),
            ("schema", "python manage.py migrate", "python manage.py makemigrations"),
            ("schema", "bin/rails db:migrate RAILS_ENV=production", "bin/rails db:version"),
            ("schema", "flyway -url=jdbc:x migrate", "flyway info"),
            ("schema", "npx prisma migrate deploy", "npx prisma migrate dev"),
            ("model-deploy", "aws sagemaker update-endpoint --endpoint-name x", "aws sagemaker list-endpoints"),
            ("model-deploy", "aws sagemaker create-endpoint --endpoint-name x", "aws sagemaker describe-endpoint"),
            ("model-deploy", "gcloud ai endpoints deploy-model 1 --model=2", "gcloud ai endpoints list"),
            ("model-deploy", "az ml online-deployment update --name blue", "az ml online-deployment show"),
            ("model-deploy", "mlflow deployments create -t sagemaker", "mlflow experiments search"),
            ("model-deploy", "hf upload acme/model .", "hf download acme/model"),
        ] {
            assert!(holds_command(class, held), "{class} should hold `{held}`");
            assert!(!holds_command(class, not_held), "{class} should not hold `{not_held}`");
        }
    }

    #[test]
    fn a_file_that_defines_the_thing_is_held_and_its_neighbour_is_not() {
        for (class, held, not_held) in [
            ("data-export", "el/meltano.yml", "el/README.md"),
            ("privilege", ".github/workflows/deploy.yml", ".github/dependabot.yml"),
            ("privilege", ".github/CODEOWNERS", "docs/owners.md"),
            ("infrastructure", "main.tf", "main.tftest.hcl"),
            ("infrastructure", "infra/prod/net.tf.json", "infra/prod/net.json"),
            ("infrastructure", "k8s/kustomization.yaml", "k8s/notes.yaml"),
            ("infrastructure", "Pulumi.yaml", "src/pulumi.py"),
            ("infrastructure", "infra/cdk.json", "package.json"),
            ("schema", "migrations/0001_initial.py", "app/models.py"),
            ("schema", "db/migrate/2026_add_users.rb", "db/seeds.rb"),
            ("schema", "db/schema.rb", "lib/schema.rb"),
            ("schema", "app/alembic/versions/3512_add.py", "app/alembic.ini"),
            ("schema", "sql/V1__create_person.sql", "sql/report.sql"),
            ("schema", "prisma/schema.prisma", "prisma/seed.ts"),
            ("model-deploy", "models/classifier/MLmodel", "models/README.md"),
            ("model-deploy", "weights/model-00001.safetensors", "weights/config.json"),
        ] {
            assert!(holds_path(class, held), "{class} should hold {held}");
            assert!(!holds_path(class, not_held), "{class} should not hold {not_held}");
        }
    }

    #[test]
    fn every_pattern_can_be_read_has_a_source_and_holds_something_but_not_everything() {
        let harmless_commands = ["ls -la", "git status", "cargo test", "npm run build", "make migrate-docs", ""];
        let harmless_paths = ["README.md", "src/main.rs", "a", "docs/guide/index.md", "package.json"];
        for class in names().filter_map(preset) {
            assert!(!class.meaning.is_empty() && class.paths().count() > 0 && class.commands().count() > 0);
            for group in &class.groups {
                assert!(group.source.starts_with("https://"), "{}", group.source);
                assert!(!group.paths.is_empty() || !group.commands.is_empty(), "{} tells nothing", group.source);
            }
            for (patterns, harmless) in [
                (class.commands().collect::<Vec<_>>(), harmless_commands.as_slice()),
                (class.paths().collect(), harmless_paths.as_slice()),
            ] {
                for pattern in patterns {
                    let held = harmless.iter().find(|text| glob(pattern).is_match(text));
                    assert_eq!(held, None, "{pattern} of {} holds too much", class.name);
                }
            }
        }
    }
}
