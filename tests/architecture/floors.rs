//! Floors: an arrow between the modules at the crate's top never runs back up, nor between those that stand side by side.

use crate::{graph, package::Package};

const TO_TRACKER: &[&str] = &["config", "cost", "decompress", "http", "json", "sse", "sync", "tracker", "usage"];

/// Which modules each module at the crate's top may use.
const MAY_USE: [(&str, &[&str]); 17] = [
    ("config", &[]),
    ("decompress", &[]),
    ("http", &[]),
    ("json", &[]),
    ("sse", &[]),
    ("sync", &[]),
    ("words", &[]),
    ("usage", &["decompress", "http", "json", "sse", "words"]),
    ("cost", &["usage"]),
    ("tracker", &["config", "cost", "sync", "usage", "words"]),
    ("cancel", TO_TRACKER),
    ("inspect", TO_TRACKER),
    ("metrics", &["http", "tracker", "usage"]),
    ("monitor", &["config", "cost", "decompress", "http", "json", "metrics", "sse", "sync", "tracker", "usage"]),
    ("track", TO_TRACKER),
    ("fleet", &["config", "cost", "metrics", "monitor", "sse", "sync", "tracker"]),
    ("dashboard", &["http"]),
];

pub(crate) fn refusals(package: &Package) -> Vec<String> {
    let root = &package.modules[&Vec::new()];
    let unknown = root.children.iter().filter(|child| may_use(child).is_none()).map(|child| {
        format!("{}: the module `{child}` has no floor: say in tests/architecture/floors.rs what it may use", root.file)
    });
    let wrong = graph::arrows(package).into_iter().filter_map(|arrow| {
        let (from, to) = (arrow.top(), arrow.target());
        if from == to || from.is_empty() {
            return None;
        }
        let allowed = may_use(from)?;
        let right = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        let to = if to.is_empty() { "the crate's root" } else { to };
        let refusal = format!(
            "{}:{}: `{}` leads from `{from}` to {to}; `{from}` may use {right}",
            arrow.file, arrow.line, arrow.written
        );
        (!allowed.contains(&to)).then_some(refusal)
    });
    unknown.chain(wrong).collect()
}

fn may_use(module: &str) -> Option<&'static [&'static str]> {
    // Its programs are written as a user writes them.
    if module == "cookbook" {
        return Some(&[]);
    }
    MAY_USE.iter().find(|(name, _)| *name == module).map(|(_, allowed)| *allowed)
}
