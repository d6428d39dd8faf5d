//! The handle that writes to a request's row.

use super::{
    id::{RequestId, SlotRef},
    info::RequestInfo,
    outcome::ErrorType,
    row::Row,
    shard::Shard,
    texts::TextField,
};
use crate::sync::Arc;

/// Writes to a request's row. Cheap to clone; once the request has ended, what is written goes nowhere.
#[derive(Clone, Debug)]
pub struct RequestHandle {
    shard: Arc<Shard>,
    slot_ref: SlotRef,
}

impl RequestHandle {
    pub(crate) fn new(shard: Arc<Shard>, slot_ref: SlotRef) -> Self {
        Self { shard, slot_ref }
    }

    /// The request's name.
    pub fn id(&self) -> RequestId {
        RequestId::new(self.shard.shared.epoch, self.slot_ref)
    }

    /// Says what the request asks for.
    pub fn describe(&self, info: &RequestInfo<'_>) {
        self.shard.describe(self.slot_ref, info);
    }

    /// Says which provider it goes to.
    pub fn set_provider(&self, provider: &str) {
        self.describe(&RequestInfo::new().provider(provider));
    }

    /// Says which model is asked for, as the client wrote it.
    pub fn set_model(&self, model: &str) {
        self.describe(&RequestInfo::new().model(model));
    }

    /// Says which model an alias resolved to.
    pub fn set_resolved_model(&self, model: &str) {
        self.describe(&RequestInfo::new().resolved_model(model));
    }

    /// Says what is being done, in a short word; `""`: nothing in particular.
    pub fn set_stage(&self, stage: &str) {
        self.shard.note(self.slot_ref, TextField::Stage, stage);
    }

    /// Says in words what went wrong. It is shown if the request ends with an error.
    pub fn set_error(&self, error: &str) {
        self.shard.note(self.slot_ref, TextField::Error, error);
    }

    /// Says what kind of error it is, where the outcome alone would tell less.
    pub fn set_error_type(&self, error_type: ErrorType) {
        self.shard.error_type(self.slot_ref, error_type);
    }

    /// Says how many bytes of the request body have passed.
    pub fn set_request_size(&self, bytes: u64) {
        self.shard.request_bytes(self.slot_ref, bytes);
    }

    /// The row as it stands; `None` once the request has ended.
    pub fn row(&self) -> Option<Row> {
        self.shard.row(self.slot_ref)
    }
}
