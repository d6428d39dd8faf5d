//! The steps from a question to an answer, one file each.

mod analysis;
mod follow_ups;
mod generation;
mod retrieval;
mod scoring;

pub use self::{
    analysis::Analysis, follow_ups::FollowUps, generation::Generation, retrieval::Retrieval, scoring::Scoring,
};
