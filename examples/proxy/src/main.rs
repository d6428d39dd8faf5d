//! The reference proxy as a program; see the library beside it.

use std::process::ExitCode;

/// Requests come and go with many small allocations, and a crowd leaves holes behind: this one is quicker than the C library's, and
/// gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    active_requests_proxy::main()
}
