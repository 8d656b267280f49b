//! One binary for all stories; each file tells some.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod anchors;
mod architecture;
mod artifact;
mod attacks;
mod attribute;
mod attribution;
mod attribution_traps;
mod audit;
mod catalogue;
mod clock;
mod contract;
mod crash;
mod demo;
mod fake_github;
mod github;
mod impostors;
mod keys;
mod language;
mod ledger_verify;
mod live_policy;
mod live_policy_holes;
mod people;
mod policy;
mod policy_cli;
mod proposals;
mod publication;
mod recovery;
mod road;
mod rules;
mod sealing;
mod serve;
mod served;
mod store;
mod support;
mod webhooks;
