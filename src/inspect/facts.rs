//! The facts in the body of a request, in any dialect.
//!
//! The dialect need not be known first: the names that dialects use do not collide, so one walk knows them all, and takes the
//! keys from the dialects. The messages stand in a list at the top level; uses and results of tools are fields of a message
//! (`tool_calls`, `role: "tool"`), messages of their own (`type: "function_call"`) or blocks of one (`type: "tool_use"`,
//! `toolUse`).

use std::ops::Range;

use super::labels::{BodyLabels, LabelPlace};
use crate::{
    json::{Container, JsonStr, Next, Scalar, Visit},
    tracker::RequestInfo,
    usage::{RequestKey, ToolKind, request_key},
};

/// The facts read of a request so far.
#[derive(Debug)]
pub(super) struct RequestFacts {
    /// The first name that is not empty.
    pub(super) model: Option<String>,
    pub(super) is_streaming: Option<bool>,
    /// The counts of the last list of messages that is complete.
    pub(super) counts: Option<MessageCounts>,
    pub(super) labels: BodyLabels,
    /// Whether any of the above has changed since this was last reset.
    pub(super) changed: bool,
    wanted: Wanted,
    current: MessageCounts,
    message: MessageFacts,
    /// The part that the block being read is, by its `type`.
    block: Option<ToolPart>,
}

/// Selects what the body is read for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The model, and whether a stream is asked for. Not wanted where the path has decided both.
    pub(super) names: bool,
    /// Messages, and the uses and results of tools in them.
    pub(super) counts: bool,
}

/// The messages of a request, and what stands in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MessageCounts {
    pub(super) messages: u32,
    pub(super) tool_uses: u32,
    pub(super) tool_results: u32,
}

/// The message being read.
#[derive(Clone, Copy, Debug, Default)]
struct MessageFacts {
    /// The part that it is, by its `type`.
    kind: Option<ToolPart>,
    /// Whether its `role` is that of a tool, which makes it a result if it holds none as blocks.
    by_tool: bool,
    results_before: u32,
}

/// A tool's part in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ToolPart {
    Use,
    Result,
}

/// A node of a request's JSON that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestNode {
    Root,
    Model,
    Stream,
    /// The list of messages; one alone may stand there without its brackets.
    Messages,
    /// A text, several, or one in the form of token numbers.
    Prompt,
    Message,
    Role,
    MessageType,
    /// An array of uses.
    Uses,
    Blocks,
    Block,
    BlockType,
    /// An object that is a use of a tool.
    Use,
    /// An object that is a result.
    Result,
    /// Something that may be a label, or hold one.
    Label(LabelPlace),
}

impl RequestFacts {
    pub(super) fn new(wanted: Wanted, labels: BodyLabels) -> Self {
        Self {
            model: None,
            is_streaming: None,
            counts: None,
            labels,
            changed: false,
            wanted,
            current: MessageCounts::default(),
            message: MessageFacts::default(),
            block: None,
        }
    }

    /// Returns the facts in the form of the request's row.
    pub(super) fn info(&self) -> RequestInfo<'_> {
        RequestInfo {
            model: self.model.as_deref().map(Into::into),
            is_streaming: self.is_streaming,
            message_count: self.counts.map(|counts| counts.messages),
            tool_uses: self.counts.map(|counts| counts.tool_uses),
            tool_results: self.counts.map(|counts| counts.tool_results),
            ..RequestInfo::default()
        }
    }

    fn begin_messages(&mut self) {
        self.current = MessageCounts::default();
    }

    fn end_messages(&mut self) {
        self.counts = Some(self.current);
        self.changed = true;
    }

    fn begin_message(&mut self) {
        increment(&mut self.current.messages);
        self.message = MessageFacts { results_before: self.current.tool_results, ..MessageFacts::default() };
    }

    fn end_message(&mut self) {
        self.count(self.message.kind);
        if self.message.by_tool && self.current.tool_results == self.message.results_before {
            self.count(Some(ToolPart::Result));
        }
    }

    fn count(&mut self, kind: Option<ToolPart>) {
        match kind {
            Some(ToolPart::Use) => increment(&mut self.current.tool_uses),
            Some(ToolPart::Result) => increment(&mut self.current.tool_results),
            None => {}
        }
    }
}

impl Visit for RequestFacts {
    type Node = RequestNode;

    fn member(&mut self, node: RequestNode, key: &[u8]) -> Next<RequestNode> {
        match node {
            RequestNode::Root => match key {
                b"model" if self.wanted.names => Next::Look(RequestNode::Model),
                b"stream" if self.wanted.names => Next::Look(RequestNode::Stream),
                _ => match request_key(key) {
                    Some(RequestKey::Messages) if self.wanted.counts => Next::Look(RequestNode::Messages),
                    Some(RequestKey::Prompt) if self.wanted.counts => Next::Look(RequestNode::Prompt),
                    _ => label_or_skip(self.labels.root(key)),
                },
            },
            RequestNode::Label(place) => label_or_skip(self.labels.member(place, key)),
            RequestNode::Message | RequestNode::Messages => match key {
                b"role" => Next::Look(RequestNode::Role),
                b"type" => Next::Look(RequestNode::MessageType),
                _ => match request_key(key) {
                    Some(RequestKey::Blocks) => Next::Enter(RequestNode::Blocks),
                    Some(RequestKey::ToolCalls) => Next::Enter(RequestNode::Uses),
                    Some(RequestKey::ToolUse) => Next::Enter(RequestNode::Use),
                    _ => Next::Skip,
                },
            },
            RequestNode::Block => match key {
                b"type" => Next::Look(RequestNode::BlockType),
                _ => match request_key(key) {
                    Some(RequestKey::ToolUse) => Next::Enter(RequestNode::Use),
                    Some(RequestKey::ToolResult) => Next::Enter(RequestNode::Result),
                    _ => Next::Skip,
                },
            },
            _ => Next::Skip,
        }
    }

    fn element(&mut self, node: RequestNode) -> Next<RequestNode> {
        match node {
            RequestNode::Messages | RequestNode::Prompt => Next::Look(RequestNode::Message),
            RequestNode::Blocks => Next::Enter(RequestNode::Block),
            RequestNode::Uses => {
                self.count(Some(ToolPart::Use));
                Next::Skip
            }
            _ => Next::Skip,
        }
    }

    fn open(&mut self, node: RequestNode, container: Container) {
        match (node, container) {
            (RequestNode::Messages | RequestNode::Prompt, Container::Array) => self.begin_messages(),
            (RequestNode::Messages, Container::Object) => {
                self.begin_messages();
                self.begin_message();
            }
            (RequestNode::Message, _) => self.begin_message(),
            (RequestNode::Block, _) => self.block = None,
            (RequestNode::Use, Container::Object) => self.count(Some(ToolPart::Use)),
            (RequestNode::Result, Container::Object) => self.count(Some(ToolPart::Result)),
            _ => {}
        }
    }

    fn close(&mut self, node: RequestNode, container: Container) {
        match (node, container) {
            (RequestNode::Messages | RequestNode::Prompt, Container::Array) => self.end_messages(),
            (RequestNode::Messages, Container::Object) => {
                self.end_message();
                self.end_messages();
            }
            (RequestNode::Message, _) => self.end_message(),
            (RequestNode::Block, _) => self.count(self.block),
            _ => {}
        }
    }

    fn scalar(&mut self, node: RequestNode, value: Scalar<'_>, _: Range<u64>) {
        match (node, value) {
            (RequestNode::Model, Scalar::String(name)) if self.model.is_none() && !name.is_empty() => {
                self.model = Some(name.decode().into_owned());
                self.changed = true;
            }
            (RequestNode::Stream, Scalar::Bool(yes)) => {
                self.is_streaming = Some(yes);
                self.changed = true;
            }
            (RequestNode::Messages | RequestNode::Prompt, Scalar::String(_)) => {
                self.current = MessageCounts { messages: 1, ..MessageCounts::default() };
                self.end_messages();
            }
            (RequestNode::Message, Scalar::String(_)) => self.begin_message(),
            // Token numbers: together they are one text.
            (RequestNode::Message, Scalar::Number(_)) => self.current.messages = 1,
            (RequestNode::Role, Scalar::String(role)) => {
                self.message.by_tool = matches!(&*role.bytes(), b"tool" | b"function" | b"TOOL")
            }
            (RequestNode::MessageType, Scalar::String(name)) => self.message.kind = kind(name),
            (RequestNode::BlockType, Scalar::String(name)) => self.block = kind(name),
            (RequestNode::Label(place), value) => self.changed |= self.labels.value(place, value),
            _ => {}
        }
    }

    fn enough(&self) -> bool {
        let has_names = !self.wanted.names || (self.model.is_some() && self.is_streaming.is_some());
        !self.wanted.counts && has_names && self.labels.are_complete()
    }
}

/// Looks at what may be a label, or hold one.
fn label_or_skip(place: Option<LabelPlace>) -> Next<RequestNode> {
    place.map_or(Next::Skip, |place| Next::Look(RequestNode::Label(place)))
}

/// Tells by its `type` whether something is the use of a tool that the client runs, or its result.
fn kind(name: JsonStr<'_>) -> Option<ToolPart> {
    match &*name.decode() {
        "tool_use" => Some(ToolPart::Use),
        "tool_result" | "function_result" => Some(ToolPart::Result),
        name if name.ends_with("_call_output") => Some(ToolPart::Result),
        name => (ToolKind::of_item(name) == Some(ToolKind::Client)).then_some(ToolPart::Use),
    }
}

fn increment(count: &mut u32) {
    *count = count.saturating_add(1);
}
