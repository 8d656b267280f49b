//! The language of the policy file: what its author is told, what it means, and that it cannot be got wrong silently.

mod any;
mod cases;
mod errors;
mod examples;
mod fuzz;
mod printing;
mod properties;
mod schema;
mod stories;
