//! Running totals: requests that have ended, summed by provider and model, and those in flight as they stand.

mod filter;
mod report;
mod sums;

pub use self::{
    filter::TotalsFilter,
    report::{LastAccessed, ModelTotals, ProviderTotals, RunningTotals, SplitTotals, Totals},
};
pub(crate) use self::{report::Report, sums::KeyTotals};
