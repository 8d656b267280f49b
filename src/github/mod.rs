//! github
pub mod render;
