//! The place and the day of a measuring, as a report tells them.

use std::{fs, process::Command};

/// Tells the day, the machine and the versions of what is measured.
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("unknown", |of| of.1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap_or_default();
    let version = |package: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        Some(format!("{package} {}", rest.split_once('"')?.0))
    };
    let packages = ["hyper", "tokio", "rustls"].map(version);
    let programs = [
        said("uname", "-sr"),
        said("rustc", "--version"),
        said("nginx", "-v"),
        said("haproxy", "-v"),
        said("nats-server", "-v"),
        said("redis-server", "-v"),
    ];
    let versions: Vec<String> = programs.into_iter().chain(packages).flatten().collect();
    let day = said("date", "-I").unwrap_or_default();
    format!("Measured {day} on {cores} x {model}, {}.", versions.join(", "))
}

/// The first line that a program says; `None` if it is not there.
fn said(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    // nginx tells its version as an error.
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    // Redis goes on with how it was built.
    let line = text.lines().next()?.split(" sha=").next()?.trim().to_owned();
    Some(line).filter(|line| !line.is_empty())
}
