//! Bodies to begin with.

use std::{fs, path::Path};

/// A body, and the content type that tells how to read it.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// The answers: those of the corpus, and the library's fixtures.
pub(crate) fn answers() -> Vec<Seed> {
    ["corpus/events", "corpus/documents", "corpus/aws", "../tests/fixtures/usage"].into_iter().flat_map(seeds).collect()
}

/// The bodies of requests.
pub(crate) fn requests() -> Vec<Seed> {
    seeds("corpus/requests")
}

/// The files of a directory that have a content type, in the order of their names.
fn seeds(directory: &str) -> Vec<Seed> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seed = |path: &std::path::PathBuf| {
        let content_type = match path.extension()?.to_str()? {
            "sse" => "text/event-stream",
            "ndjson" => "application/x-ndjson",
            "json" => "application/json",
            "aws" => "application/vnd.amazon.eventstream",
            _ => return None,
        };
        Some(Seed { content_type, bytes: fs::read(path).unwrap() })
    };
    files.iter().filter_map(seed).collect()
}
