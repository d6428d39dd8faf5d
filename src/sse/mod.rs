//! The Server-Sent Events wire: bytes to events and events to bytes.
