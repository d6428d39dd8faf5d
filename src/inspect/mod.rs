//! Reads what a request asks for out of its body as it passes.
