//! What can be said about a policy file, and how bad it is.

use serde::Serialize;

use super::PolicyError;

/// How bad it is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not do what it says.
    Error,
    /// It works, and its author should know something.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What kind of thing.
    pub kind: Kind,
    /// In which file of the repository; the policy file if none is named.
    pub file: Option<String>,
    /// Where, and in words.
    pub error: PolicyError,
}

macro_rules! kinds {
    ($($kind:ident $severity:ident $code:literal $short:literal;)*) => {
        /// What a remark is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $short] $kind,)*
        }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name, for ever: programs and dismissed alerts know it by that.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $short,)* }
            }
        }
    };
}

kinds! {
    Invalid Error "policy-invalid" "The policy file cannot be understood; the last good one holds, or admins must second everything.";
    Advice Warning "policy-warning" "The policy file says something that does not do what one would expect.";
    UnknownAccount Error "policy-unknown-account" "The policy names an account that GitHub does not know.";
    NotHuman Error "policy-not-human" "The policy asks an account that is no person's; it can never second.";
    Machine Warning "policy-machine" "The policy asks an account that belongs to a program; it never counts.";
    NoAccess Warning "policy-no-access" "Somebody the policy asks has no write access: GitHub shows them no button.";
    UnknownTeam Error "policy-unknown-team" "The policy names a team that is not there or that the App may not see; nobody counts as its member.";
    UnknownEnvironment Error "policy-unknown-environment" "A rule names an environment that the repository does not have.";
    UnmatchedPattern Warning "policy-unmatched-pattern" "A pattern matches none of the repository's environments.";
    AlikeEnvironments Warning "policy-alike-environments" "Two environments have names that look alike; one may pass for the other.";
    NotGuarded Error "policy-not-guarded" "A rule covers an environment on which Seconder is not switched on: nothing is held there.";
    OnlyBuiltIn Warning "policy-only-built-in" "An environment is guarded, and no rule covers it: the built-in one holds.";
    Unguarded Warning "policy-unguarded" "A workflow deploys to an environment that Seconder does not guard and no rule covers.";
    NewEnvironment Warning "policy-new-environment" "A workflow deploys to an environment that does not exist: GitHub makes it without any protection.";
    NoDeployment Warning "policy-no-deployment" "A job takes an environment's secrets and says it makes no deployment: GitHub fails it where a protection rule is on, and nothing holds it where none is.";
    ComputedEnvironment Note "policy-computed-environment" "A workflow decides while it runs where it deploys to; what that is cannot be read from it.";
    ForeignWorkflow Note "policy-foreign-workflow" "A job runs a workflow of another repository; where that deploys to is not looked at.";
    UnreadableWorkflow Warning "policy-unreadable-workflow" "A workflow file cannot be read; where it deploys to is not known.";
    NobodyCan Error "policy-nobody-can" "A requirement asks for more persons than there are who could meet it.";
    BarelyEnough Warning "policy-barely-enough" "A requirement can be met by exactly as many persons as it asks for: what one of them has a part in, nobody can second.";
    CodeOwners Error "policy-codeowners" "A line of CODEOWNERS cannot be read; its files are the repository admins'.";
    Organization Warning "policy-organization" "The organization's policy file cannot be read or is broken.";
    NoOrganization Note "policy-no-organization" "Nothing can be seen of the organization's rules; if there are any, they do not hold here.";
    NotChecked Warning "policy-not-checked" "Something could not be looked at.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_kinds_have_the_same_name() {
        let codes: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
    }
}
