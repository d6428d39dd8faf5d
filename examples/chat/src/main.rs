//! The chat as a program; see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    active_requests_chat::main()
}
