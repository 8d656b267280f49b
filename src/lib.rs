//! Seconder holds what AI-authored commits reach until a different human seconds it, and proves that one did.
//!
//! The rooms, from the top down; a room imports only from rooms below it:
//!
//! - [`cli`] one file a subcommand; exit codes in one table
//! - [`server`] all of it put together: what `serve`, the demo and the tests start
//! - [`http`] router and thin endpoints: webhooks, health
//! - [`worker`] claims deliveries, effects and timers, and calls the app
//! - [`app`] the one place where they meet: handle an event, perform an effect
//! - [`artifact`] a ledger as files: folders, archives, the segments a release carries
//! - [`store`] all SQL, and the one transaction in which everything is decided
//! - [`github`] the adapter: verify what comes in, render what goes out, the client
//! - [`ledger`] pure and offline: entry bytes, Merkle tree, checkpoints, proofs, verification
//! - [`domain`] pure: what is held, who wrote it, who has a part, what is decided
//! - [`demo`] a stateful fake GitHub on loopback and the guided tour
//! - [`keys`] the key that signs the ledger
//! - [`config`] the only reader of environment and config file

pub mod app;
pub mod artifact;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod github;
pub mod http;
pub mod keys;
pub mod ledger;
pub mod server;
pub mod store;
pub mod worker;
