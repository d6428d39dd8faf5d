//! The targets.

mod corpus;
mod damage;
mod targets;
