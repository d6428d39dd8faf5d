//! The requests of one replica, summed up: all that is shown of it while the fleet has more rows than one view is made for.
//!
//! ```text
//! {"models":[["openai","gpt-4o",12,3,801,4,9,81200,40110,8123.4,61022,5120,4300,17]],
//!  "callers":[["team-a",12,3,700,4,9,71200,30110,7123.4,61022]]}
//! ```
//!
//! An element of `models` is `[provider, model, waiting, responding, streaming, stalled, waiting_on_client, input_tokens, output_tokens,
//! output_tokens_per_second, oldest_ms, started, ended, errors]`, by the keys of the totals; the last three count since the replica's start.
//! `callers`, empty where no request has a caller, has the same of each caller but for those three; the caller `null` stands for the requests
//! without.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    monitor::{json, number},
    tracker::{Load, LoadSums, ModelLoad},
};

/// Elements of each list, at most; the last stands for all others.
const MAX_ELEMENTS: usize = 256;
/// Bytes of the sums of one replica, at most.
const MAX_BYTES: usize = 1 << 20;
/// The name of all others.
const OTHER: &str = "other";

/// The sums of one replica: the members of a JSON object, without its braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SumsText(Box<str>);

/// Sums that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadableSums;

/// The sums as another replica sends them. Columns of newer versions are let pass.
#[derive(Deserialize)]
struct SentSums<'a> {
    #[serde(borrow)]
    models: Vec<Vec<&'a RawValue>>,
    #[serde(borrow)]
    callers: Vec<Vec<&'a RawValue>>,
}

impl SumsText {
    /// The sums of a load. The greatest come first.
    pub(super) fn of(load: &Load) -> Self {
        let mut models: Vec<([&str; 2], ModelLoad)> = load
            .models
            .iter()
            .map(|((provider, model), sums)| ([provider, model].map(String::as_str), sums.clone()))
            .collect();
        models.sort_by_key(|(_, sums)| std::cmp::Reverse((sums.in_flight.rows(), sums.started)));
        fold(&mut models, [OTHER; 2], |all, more| *all += more);
        let mut callers: Vec<(Option<&str>, LoadSums)> =
            load.callers.iter().map(|(caller, sums)| (Some(caller.as_str()), *sums)).collect();
        if !callers.is_empty() && load.without_caller.rows() > 0 {
            callers.push((None, load.without_caller));
        }
        callers.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.rows()));
        fold(&mut callers, Some(OTHER), |all, more| *all += more);

        let mut out = br#""models":["#.to_vec();
        for (index, ([provider, model], ModelLoad { in_flight, started, ended, errors })) in models.iter().enumerate() {
            separate(&mut out, index);
            json(&mut out, provider);
            out.push(b',');
            json(&mut out, model);
            append_columns(&mut out, in_flight);
            for count in [started, ended, errors] {
                out.push(b',');
                number(&mut out, *count);
            }
            out.push(b']');
        }
        out.extend_from_slice(br#"],"callers":["#);
        for (index, (caller, sums)) in callers.iter().enumerate() {
            separate(&mut out, index);
            json(&mut out, caller);
            append_columns(&mut out, sums);
            out.push(b']');
        }
        out.push(b']');
        Self(String::from_utf8_lossy(&out).into())
    }

    /// The sums as they travel.
    pub(super) fn object(&self) -> Vec<u8> {
        format!("{{{}}}", self.0).into_bytes()
    }

    /// Reads what [`object`](Self::object) has written.
    pub(super) fn read(object: &[u8]) -> Result<Self, UnreadableSums> {
        let sums: SentSums<'_> = Some(object)
            .filter(|object| object.len() <= MAX_BYTES)
            .and_then(|object| serde_json::from_slice(object).ok())
            .ok_or(UnreadableSums)?;
        let lists = [("models", &sums.models), ("callers", &sums.callers)].map(|(name, list)| {
            let elements: Vec<String> = list
                .iter()
                .map(|columns| format!("[{}]", columns.iter().map(|column| column.get()).collect::<Vec<_>>().join(",")))
                .collect();
            format!("\"{name}\":[{}]", elements.join(","))
        });
        Ok(Self(lists.join(",").into()))
    }

    /// The members.
    pub(super) fn members(&self) -> &str {
        &self.0
    }
}

/// Adds those beyond the number that may be listed up, under one name.
fn fold<N, S>(elements: &mut Vec<(N, S)>, other: N, add: impl Fn(&mut S, &S)) {
    if elements.len() <= MAX_ELEMENTS {
        return;
    }
    let rest = elements.split_off(MAX_ELEMENTS);
    if let Some((name, sums)) = elements.last_mut() {
        *name = other;
        rest.iter().for_each(|(_, more)| add(sums, more));
    }
}

/// Begins element number `index` of a list.
fn separate(out: &mut Vec<u8>, index: usize) {
    out.extend_from_slice(if index > 0 { b",[" } else { b"[" });
}

/// Appends the columns that models and callers have, each after a comma.
fn append_columns(out: &mut Vec<u8>, sums: &LoadSums) {
    let LoadSums { phases, waiting_on_client, input_tokens, output_tokens, output_tokens_per_second, oldest_ms } = sums;
    for count in phases.iter().chain([waiting_on_client, input_tokens, output_tokens]) {
        out.push(b',');
        number(out, *count);
    }
    out.push(b',');
    json(out, &((output_tokens_per_second * 10.0).round() / 10.0));
    out.push(b',');
    number(out, *oldest_ms);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(rows: u64) -> LoadSums {
        LoadSums {
            phases: [1, 0, rows - 1, 0],
            waiting_on_client: 1,
            input_tokens: 10,
            output_tokens: 20,
            output_tokens_per_second: 1.25,
            oldest_ms: rows * 100,
        }
    }

    fn model(rows: u64) -> ModelLoad {
        ModelLoad { in_flight: sums(rows), started: rows + 5, ended: 5, errors: 2 }
    }

    #[test]
    fn the_greatest_come_first_and_what_was_written_is_read() {
        let mut load = Load::default();
        load.models.insert(("openai".into(), "gpt-4o".into()), model(2));
        load.models.insert(("a".into(), "b \"c\"".into()), model(3));
        load.callers.insert("team".into(), sums(4));
        load.without_caller = sums(1);
        let text = SumsText::of(&load);
        assert_eq!(
            text.members(),
            r#""models":[["a","b \"c\"",1,0,2,0,1,10,20,1.3,300,8,5,2],["openai","gpt-4o",1,0,1,0,1,10,20,1.3,200,7,5,2]],"callers":[["team",1,0,3,0,1,10,20,1.3,400],[null,1,0,0,0,1,10,20,1.3,100]]"#
        );
        assert_eq!(SumsText::read(&text.object()), Ok(text));
        load.callers.clear();
        assert!(SumsText::of(&load).members().ends_with(r#""callers":[]"#), "nobody is named");
    }

    #[test]
    fn what_is_too_much_for_a_list_is_in_its_last_element() {
        let mut load = Load::default();
        for number in 0..300_u64 {
            load.models.insert(("p".into(), format!("m{number}")), model(1 + number));
            load.callers.insert(format!("c{number}"), sums(1 + number));
        }
        let text = SumsText::of(&load);
        let document: serde_json::Value = serde_json::from_slice(&text.object()).unwrap();
        for (list, name, waiting) in [("models", 0, 2), ("callers", 0, 1)] {
            let list = document[list].as_array().unwrap();
            assert_eq!((list.len(), &list[MAX_ELEMENTS - 1][name]), (MAX_ELEMENTS, &OTHER.into()));
            let rows = |element: &serde_json::Value| {
                (0..4).map(|phase| element[waiting + phase].as_u64().unwrap()).sum::<u64>()
            };
            assert_eq!(list.iter().map(rows).sum::<u64>(), (1..=300).sum::<u64>());
        }
    }

    #[test]
    fn newer_columns_pass_and_what_is_no_list_of_lists_is_refused() {
        let newer = br#"{"models":[["p","m",1,{"x":[2]}]],"callers":[],"new":1}"#;
        assert_eq!(SumsText::read(newer).unwrap().members(), r#""models":[["p","m",1,{"x":[2]}]],"callers":[]"#);
        let long = format!(r#"{{"models":[["{}"]],"callers":[]}}"#, "x".repeat(MAX_BYTES));
        for wrong in ["", "{}", "[]", r#"{"models":[1],"callers":[]}"#, r#"{"models":[]}"#, &long] {
            assert_eq!(SumsText::read(wrong.as_bytes()), Err(UnreadableSums));
        }
    }
}
