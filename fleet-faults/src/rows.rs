//! Rows by id, without what follows from the time alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Failure;

/// The columns of an entry of `progressed`, after the id.
const COLUMNS: [&str; 11] = [
    "phase",
    "waiting_on",
    "usage_source",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "reasoning_tokens",
    "tool_calls",
    "response_bytes",
    "cost_usd",
];

/// See the [module](self).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows(BTreeMap<String, Map<String, Value>>);

impl Rows {
    /// The rows of a snapshot; `replica` is whose they are, where they do not say it.
    pub(crate) fn of_snapshot(document: &Value, replica: Option<&str>) -> Result<Self, Failure> {
        let mut rows = Self::default();
        for row in list(document, "active_requests") {
            let mut row = row.clone();
            if let Some(replica) = replica {
                row["replica"] = replica.into();
            }
            rows.put(&row)?;
        }
        Ok(rows)
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn of(&self, replica: &str) -> usize {
        self.0.values().filter(|row| row["replica"] == replica).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    pub(crate) fn output_tokens(&self, id: &str) -> Option<u64> {
        self.0.get(id)?["output_tokens"].as_u64()
    }

    fn put(&mut self, row: &Value) -> Result<(), Failure> {
        let mut row = row.as_object().ok_or("a row is no object")?.clone();
        for time in ["duration_ms", "idle_ms", "output_tokens_per_second"] {
            row.remove(time).ok_or_else(|| format!("a row has no {time}"))?;
        }
        let id = row["request_id"].as_str().ok_or("a row has no id")?.to_owned();
        self.0.insert(id, row);
        Ok(())
    }

    /// Applies a delta by the contract's rules.
    pub(crate) fn apply(&mut self, delta: &Value) -> Result<(), Failure> {
        for epoch in list(delta, "gone") {
            let start = format!("req_{}-", epoch.as_str().unwrap_or_default());
            self.0.retain(|id, _| !id.starts_with(&start));
        }
        for row in list(delta, "started").iter().chain(list(delta, "changed")) {
            self.put(row)?;
        }
        for entry in list(delta, "progressed") {
            let id = entry[0].as_str().unwrap_or_default();
            let row = self.0.get_mut(id).ok_or_else(|| format!("{id} progresses and is not known"))?;
            for (column, value) in COLUMNS.into_iter().zip(entry.as_array().into_iter().flatten().skip(1)) {
                row.insert(column.to_owned(), value.clone());
            }
        }
        for entry in list(delta, "ended") {
            self.0.remove(entry[0].as_str().unwrap_or_default());
        }
        Ok(())
    }

    /// Tells the first few rows that are not the same in `other`.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let ids: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differing: Vec<&String> = ids.into_iter().filter(|id| self.0.get(*id) != other.0.get(*id)).collect();
        let first = differing.iter().take(3).map(|id| match (self.0.get(*id), other.0.get(*id)) {
            (Some(own), Some(shown)) => {
                let columns = own.iter().filter(|(name, value)| shown.get(*name) != Some(value));
                let columns: Vec<String> =
                    columns.map(|(name, value)| format!("{name}: {value}, shown {:?}", shown.get(name))).collect();
                format!("{id} ({})", columns.join("; "))
            }
            (Some(row), None) => format!("{id} of {} is not shown", row["replica"]),
            _ => format!("{id} is shown and is no more"),
        });
        format!("{} rows differ: {}", differing.len(), first.collect::<Vec<_>>().join("; "))
    }
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}
