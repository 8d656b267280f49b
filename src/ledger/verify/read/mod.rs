//! What the rules read of an entry's own fields, and nothing more.
pub(super) mod alike;
pub(super) mod body;
pub(super) mod facts;
pub(super) mod group;
pub(super) mod happened;
pub(super) mod policy;
pub(super) mod published;
pub(super) mod quorum;
pub mod who;
pub mod why;
