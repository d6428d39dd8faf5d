//! The answers of several replicas as one: totals are summed up, entries put in order of their time, steps of the hour added.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text::JsonMembers;
use crate::{
    cost::Cost,
    monitor::{Error, Query, json},
};

/// The answer of one replica.
#[derive(Debug)]
pub(super) struct ReplicaAnswer {
    pub(super) replica: String,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// A JSON value as far as it is put together with others.
#[derive(Clone, Debug, PartialEq)]
enum Tree<'a> {
    /// A number, a text or a word, as it is written.
    Leaf(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(Vec<(&'a str, Tree<'a>)>),
}

/// Returns the answers as one, with the names of those who gave them and of those who did not. The members tell how: a member with `traces` is
/// the logs, one with `points` the figures of the last hour, else it is the totals.
///
/// # Errors
/// The query is wrong.
pub(super) fn merged(answers: &[ReplicaAnswer], missing: &[String], query: &Query<'_>) -> Result<Vec<u8>, Error> {
    let read: Vec<(&str, Tree<'_>)> = answers
        .iter()
        .filter_map(|answer| Some((answer.replica.as_str(), Tree::read(std::str::from_utf8(&answer.body).ok()?)?)))
        .collect();
    let answered: Vec<&str> = read.iter().map(|(replica, _)| *replica).collect();
    let mut trees = read.iter();
    let mut all = trees.next().map(|(_, tree)| tree.clone()).unwrap_or(Tree::Object(Vec::new()));
    if all.member("traces").is_some() {
        all = logs(&read, query)?;
    } else if all.member("points").is_some() {
        trees.for_each(|(_, tree)| add_series(&mut all, tree));
    } else {
        let averages = read.iter().map(|(_, tree)| tree.clone()).collect::<Vec<_>>();
        trees.for_each(|(_, tree)| all.add("", tree));
        all.average(&averages.iter().collect::<Vec<_>>());
        all.sort_names();
    }
    let mut out = Vec::new();
    all.append(&mut out);
    // The brace, since one more member follows.
    out.pop();
    out.extend_from_slice(br#","replicas":{"answered":"#);
    json(&mut out, &answered);
    out.extend_from_slice(br#","missing":"#);
    json(&mut out, &missing);
    out.extend_from_slice(b"}}");
    Ok(out)
}

/// Returns the JSON of a row, or another object, with the name of its replica as last member.
pub(super) fn with_replica(object: &[u8], replica: &str) -> Vec<u8> {
    let mut out = object.to_vec();
    if out.last() == Some(&b'}') {
        out.pop();
        out.extend_from_slice(br#","replica":"#);
        json(&mut out, replica);
        out.push(b'}');
    }
    out
}

impl<'a> Tree<'a> {
    fn read(json: &'a str) -> Option<Self> {
        Some(match json.trim_start().as_bytes().first()? {
            b'{' => {
                let JsonMembers(members) = serde_json::from_str(json).ok()?;
                let read = |(name, value): (&'a str, &'a RawValue)| Some((name, Self::read(value.get())?));
                Self::Object(members.into_iter().map(read).collect::<Option<_>>()?)
            }
            b'[' => {
                let values: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                Self::List(values.into_iter().map(|value| Self::read(value.get())).collect::<Option<_>>()?)
            }
            _ => Self::Leaf(json.into()),
        })
    }

    fn append(&self, out: &mut Vec<u8>) {
        match self {
            Self::Leaf(text) => out.extend_from_slice(text.as_bytes()),
            Self::List(list) => {
                out.push(b'[');
                for (index, value) in list.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    value.append(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    json(out, name);
                    out.push(b':');
                    value.append(out);
                }
                out.push(b'}');
            }
        }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn member_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Object(members) = self else { return None };
        members.iter_mut().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn number(&self) -> Option<u64> {
        let Self::Leaf(text) = self else { return None };
        text.parse().ok()
    }

    fn whole(&self, name: &str) -> Option<u64> {
        self.member(name)?.number()
    }

    /// Adds `other`, the value of the member `name`, to this value.
    fn add(&mut self, name: &str, other: &Self) {
        match (&mut *self, other) {
            (Self::Object(members), Self::Object(others)) => {
                for (name, value) in others {
                    match members.iter_mut().find(|(known, _)| known == name) {
                        Some((name, known)) => known.add(name, value),
                        None => members.push((name, value.clone())),
                    }
                }
            }
            (Self::List(list), Self::List(others)) => {
                for (index, value) in others.iter().enumerate() {
                    match list.get_mut(index) {
                        Some(known) => known.add(name, value),
                        None => list.push(value.clone()),
                    }
                }
            }
            (Self::Leaf(one), Self::Leaf(other)) => *one = added(name, one, other),
            // Not known here.
            (this @ Self::Leaf(_), other) => *this = other.clone(),
            _ => {}
        }
    }

    /// Computes the averages of totals anew, in this sum and in all that is within it. `parts` are what was summed up.
    fn average(&mut self, parts: &[&Self]) {
        let Self::Object(members) = self else { return };
        for (name, value) in members.iter_mut() {
            let parts: Vec<&Self> = parts.iter().filter_map(|part| part.member(name)).collect();
            value.average(&parts);
        }
        let Some(total) = self.whole("total_duration_ms") else { return };
        let ended: u64 = parts.iter().map(|part| part.ended()).sum();
        if let Some(Self::Leaf(average)) = self.member_mut("average_duration_ms") {
            *average = total.checked_div(ended).unwrap_or(0).to_string().into();
        }
    }

    /// The number of requests that an average is over. It is not said, but follows from the sum; where the average is nothing, it is taken that all have
    /// ended.
    fn ended(&self) -> u64 {
        let total = self.whole("total_duration_ms").unwrap_or(0);
        let requests = self.whole("requests").or_else(|| self.whole("total_requests")).unwrap_or(0);
        match self.whole("average_duration_ms") {
            Some(average) if average > 0 => (total / average).min(requests),
            _ => requests,
        }
    }

    /// Puts providers and models in the order of their names.
    fn sort_names(&mut self) {
        let Self::Object(members) = self else { return };
        for (name, value) in members {
            if let (true, Self::Object(named)) = (matches!(*name, "providers" | "models"), &mut *value) {
                named.sort_by_key(|(name, _)| *name);
                named.iter_mut().for_each(|(_, value)| value.sort_names());
            }
        }
    }
}

/// Two values of the member `name` as one.
fn added<'a>(name: &str, one: &str, other: &str) -> Cow<'a, str> {
    let newer = matches!(name, "last_accessed" | "top" | "timestamp");
    let older = name == "since";
    let is_before = match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one < other,
        // RFC 3339 in UTC is in order as text is.
        _ => one < other,
    };
    if let (false, Ok(one), Ok(other)) = (newer || older, one.parse::<u64>(), other.parse::<u64>()) {
        return one.saturating_add(other).to_string().into();
    }
    let text = match (one, other) {
        (one, "null") => one,
        ("null", other) => other,
        (_, other) if (newer && is_before) || (older && !is_before) => other,
        (one, _) if newer || older => one,
        (one, other) if name.ends_with("cost_usd") => {
            return match (Cost::read(one), Cost::read(other)) {
                (Some(one), Some(other)) => (one + other).to_string().into(),
                _ => one.to_owned().into(),
            };
        }
        (one, _) => one,
    };
    text.to_owned().into()
}

/// Adds the steps of another replica's hour.
fn add_series<'a>(all: &mut Tree<'a>, other: &Tree<'a>) {
    if let (Some(Tree::Leaf(since)), Some(Tree::Leaf(earlier))) = (all.member_mut("since"), other.member("since")) {
        *since = added("since", since, earlier);
    }
    let Some(Tree::List(others)) = other.member("points") else { return };
    let Some(Tree::List(points)) = all.member_mut("points") else { return };
    for point in others {
        let at = point.whole("t");
        match points.iter_mut().find(|known| known.whole("t") == at) {
            Some(known) => {
                known.add("", point);
                // The one member that is no count.
                if let (Some(Tree::Leaf(t)), Some(at)) = (known.member_mut("t"), at) {
                    *t = at.to_string().into();
                }
            }
            None => points.push(point.clone()),
        }
    }
    points.sort_by_key(|point| point.whole("t"));
}

/// The newest entries of all replicas, each with the name of its replica.
fn logs<'a>(answers: &[(&str, Tree<'a>)], query: &Query<'_>) -> Result<Tree<'a>, Error> {
    let errors = query.number("limit_errors", 1..=1000, 100)?;
    let traces = query.number("limit_traces", 1..=2000, 200)?;
    let Some((_, Tree::Object(first))) = answers.first() else { return Ok(Tree::Object(Vec::new())) };
    let lists = first.iter().map(|(name, value)| {
        let Tree::List(_) = value else { return (*name, value.clone()) };
        let mut entries: Vec<(f64, Tree<'a>)> = answers
            .iter()
            .filter_map(|(replica, tree)| Some((replica, tree.member(name)?)))
            .flat_map(|(replica, list)| match list {
                Tree::List(list) => list.iter().map(|entry| named_entry(entry, replica)).collect(),
                _ => Vec::new(),
            })
            .collect();
        entries.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        entries.truncate(if *name == "traces" { traces } else { errors });
        (*name, Tree::List(entries.into_iter().map(|(_, entry)| entry).collect()))
    });
    Ok(Tree::Object(lists.collect()))
}

/// An entry with the name of its replica, and its time.
fn named_entry<'a>(entry: &Tree<'a>, replica: &str) -> (f64, Tree<'a>) {
    let time = match entry.member("ts") {
        Some(Tree::Leaf(time)) => f64::deserialize(&mut serde_json::Deserializer::from_str(time)).unwrap_or(0.0),
        _ => 0.0,
    };
    let mut entry = entry.clone();
    if let Tree::Object(members) = &mut entry {
        let mut name = Vec::new();
        json(&mut name, replica);
        members.push(("replica", Tree::Leaf(String::from_utf8_lossy(&name).into_owned().into())));
    }
    (time, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(replica: &str, body: &str) -> ReplicaAnswer {
        ReplicaAnswer { replica: replica.to_owned(), body: body.as_bytes().to_vec() }
    }

    fn together(answers: &[ReplicaAnswer], query: &str) -> String {
        let merged = merged(answers, &["c".to_owned()], &Query::new(Some(query))).unwrap();
        String::from_utf8(merged).unwrap()
    }

    #[test]
    fn totals_are_added_to_the_digit_and_averages_computed_anew() {
        let one = r#"{"last_accessed":{"top":"2026-11-20T22:08:10Z"},"total_requests":3,"average_duration_ms":500,"total_duration_ms":1001,"latency":{"duration_ms":{"320":2,"512":1}},"providers":{"b":{"rollup":{"total":{"requests":3,"average_duration_ms":500,"total_duration_ms":1001,"cost_usd":0.1}}}},"total_cost_usd":0.100000000000000000001}"#;
        let other = r#"{"last_accessed":{"top":"2026-11-21T00:00:00Z"},"total_requests":1,"average_duration_ms":2000,"total_duration_ms":2000,"latency":{"duration_ms":{"320":1,"inf":1}},"providers":{"a":{"new":1},"b":{"rollup":{"total":{"requests":1,"average_duration_ms":2000,"total_duration_ms":2000,"cost_usd":null}}}},"total_cost_usd":0.2,"unknown":[7]}"#;
        assert_eq!(
            together(&[answer("a", one), answer("b", other)], ""),
            r#"{"last_accessed":{"top":"2026-11-21T00:00:00Z"},"total_requests":4,"average_duration_ms":1000,"total_duration_ms":3001,"latency":{"duration_ms":{"320":3,"512":1,"inf":1}},"providers":{"a":{"new":1},"b":{"rollup":{"total":{"requests":4,"average_duration_ms":1000,"total_duration_ms":3001,"cost_usd":0.1}}}},"total_cost_usd":0.300000000000000000001,"unknown":[7],"replicas":{"answered":["a","b"],"missing":["c"]}}"#
        );
    }

    #[test]
    fn entries_stand_in_the_order_of_their_time_with_their_replica() {
        let one = r#"{"errors":[],"traces":[{"seq":2,"ts":20.5},{"seq":1,"ts":5}]}"#;
        let other = r#"{"errors":[{"seq":9,"ts":1}],"traces":[{"seq":9,"ts":10}]}"#;
        assert_eq!(
            together(&[answer("a", one), answer("b", other)], "limit_traces=2"),
            r#"{"errors":[{"seq":9,"ts":1,"replica":"b"}],"traces":[{"seq":2,"ts":20.5,"replica":"a"},{"seq":9,"ts":10,"replica":"b"}],"replicas":{"answered":["a","b"],"missing":["c"]}}"#
        );
    }

    #[test]
    fn steps_of_the_same_time_are_added() {
        let one = r#"{"step_ms":10000,"since":100.5,"bounds_ms":{"duration":[1]},"points":[{"t":20,"started":1,"outcomes":{"completed":1},"duration":[1,0]}]}"#;
        let other = r#"{"step_ms":10000,"since":50.5,"bounds_ms":{"duration":[1]},"points":[{"t":10,"started":4,"outcomes":{},"duration":[0,0]},{"t":20,"started":2,"outcomes":{"killed":1},"duration":[1,2]}]}"#;
        assert_eq!(
            together(&[answer("a", one), answer("b", other)], ""),
            r#"{"step_ms":10000,"since":50.5,"bounds_ms":{"duration":[1]},"points":[{"t":10,"started":4,"outcomes":{},"duration":[0,0]},{"t":20,"started":3,"outcomes":{"completed":1,"killed":1},"duration":[2,2]}],"replicas":{"answered":["a","b"],"missing":["c"]}}"#
        );
    }

    #[test]
    fn a_row_is_given_the_name_of_its_replica() {
        assert_eq!(with_replica(br#"{"a":1}"#, "x\"y"), br#"{"a":1,"replica":"x\"y"}"#);
        assert_eq!(with_replica(b"[]", "x"), b"[]");
    }
}
