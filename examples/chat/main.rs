//! A chat that streams its answer as it works, on documents that ship with it.
//!
//! `cargo run --release --features full --example chat` starts it; `--help` tells what can be set.
//!
//! - [`settings`], [`app`]: what is configured, and what answers where;
//! - [`request`], [`session`]: what a client may ask, and what has been said before;
//! - [`pipeline`], [`event`], [`nodes`]: the way from a question to an answer, and what is told on it;
//! - [`library`], [`upstream`]: the documents, and the model;
//! - `demo`: a simulated provider, for a first look without a key;
//! - [`pages`]: the chat in the browser.

#![allow(missing_docs, unreachable_pub, reason = "a program, not a library: its modules explain themselves")]

mod app;
mod event;
mod library;
mod nodes;
mod pages;
mod pipeline;
mod request;
mod session;
mod settings;
mod upstream;

#[path = "../common/demo/mod.rs"]
mod demo;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use active_requests::{config::MonitorConfig, tracker::RequestTracker};
use clap::Parser;
use tokio::net::TcpListener;

use self::{app::App, settings::Settings, upstream::Upstream};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program says to the person who started it")]
async fn run(settings: Settings) -> Result<(), String> {
    settings.check()?;
    let upstream = match &settings.upstream {
        Some(base) => Upstream::new(base, settings.model.clone(), settings.api_key.clone())?,
        None => Upstream::simulated(settings.model.as_deref()).await?,
    };
    let wrong = |error: &dyn std::fmt::Display| error.to_string();
    let tracker = RequestTracker::new(settings::tracker().map_err(|error| wrong(&error))?);
    let monitor = MonitorConfig::from_env().map_err(|error| wrong(&error))?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", settings.listen))?;
    let at = listener.local_addr().map_err(|error| wrong(&error))?;
    println!("Chat       http://{at}/");
    println!("Model      {}", upstream.describe());
    println!("Dashboard  http://{at}/dashboard/");
    App::new(upstream, tracker, monitor).serve(listener).await.map_err(|error| wrong(&error))
}
