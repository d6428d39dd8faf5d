//! A chat that streams its answer as it works, on documents that ship with it.
//!
//! `cargo run --release -p active-requests-chat` starts it; `--help` tells what can be set.
//!
//! - [`settings`], [`app`]: what is configured, and what answers where;
//! - [`request`], [`session`]: what a client may ask, and what has been said before;
//! - [`pipeline`], [`event`], [`nodes`]: the way from a question to an answer, and what is told on it;
//! - [`library`], [`upstream`]: the documents, and the model;
//! - [`pages`]: the chat in the browser.

#![allow(missing_docs, reason = "a program, not a library: its modules explain themselves")]

pub mod app;
pub mod event;
pub mod library;
pub mod nodes;
pub mod pages;
pub mod pipeline;
pub mod request;
pub mod session;
pub mod settings;
pub mod upstream;

use std::process::ExitCode;

use active_requests::{config::MonitorConfig, tracker::RequestTracker};
use clap::Parser;
use tokio::net::TcpListener;

use crate::{app::App, settings::Settings, upstream::Upstream};

/// The program: reads the settings of the command line and the environment, and serves until Ctrl-C.
#[tokio::main]
pub async fn main() -> ExitCode {
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
