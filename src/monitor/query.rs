//! The parameters of a query.

use std::{borrow::Cow, fmt, ops::RangeInclusive};

#[cfg(feature = "fleet")]
use super::operator::Operator;
use super::{format::Format, scope::Scope};

/// Bytes that a pattern may have. The time of a search is the product of a pattern's length, a name's length and the number of names.
const MAX_PATTERN: usize = 256;
/// Characters of a wrong value that an error quotes.
const MAX_QUOTED: usize = 100;

/// A parameter whose value is not allowed, in a sentence for the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadQuery(pub(super) String);

impl BadQuery {
    fn new(name: &str, given: &str, allowed: fmt::Arguments<'_>) -> Self {
        let quoted: String = given.chars().take(MAX_QUOTED).collect();
        Self(format!("{name} is {quoted:?}; allowed is {allowed}."))
    }
}

/// The parameters of a query. The last one counts where a name is given twice; unknown names are ignored.
#[derive(Debug)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn new(query: Option<&'a str>) -> Self {
        Self(query.unwrap_or(""))
    }

    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        form_urlencoded::parse(self.0.as_bytes()).filter(|(given, _)| given == name).last().map(|(_, value)| value)
    }

    /// A pattern that names are compared with; `None` if it is missing or empty, since a form sends an empty field too.
    pub(super) fn pattern(&self, name: &str) -> Result<Option<String>, BadQuery> {
        let Some(text) = self.text(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        if text.len() > MAX_PATTERN {
            return Err(BadQuery::new(name, &text, format_args!("a text of up to {MAX_PATTERN} bytes")));
        }
        Ok(Some(text.into_owned()))
    }

    /// A whole number within `range`.
    pub(crate) fn number(&self, name: &str, range: RangeInclusive<usize>, default: usize) -> Result<usize, BadQuery> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|number| digits && range.contains(number)).ok_or_else(|| {
            BadQuery::new(name, &text, format_args!("a whole number from {} to {}", range.start(), range.end()))
        })
    }

    pub(crate) fn boolean(&self, name: &str, default: bool) -> Result<bool, BadQuery> {
        let Some(text) = self.text(name) else { return Ok(default) };
        crate::config::boolean(&text)
            .ok_or_else(|| BadQuery::new(name, &text, format_args!("true, false, 1, 0, yes, no, on or off")))
    }

    pub(crate) fn format(&self) -> Result<Format, BadQuery> {
        match self.text("format").as_deref() {
            None | Some("update") => Ok(Format::Update),
            Some("delta") => Ok(Format::Delta),
            Some(other) => Err(BadQuery::new("format", other, format_args!("update or delta"))),
        }
    }

    /// The operator for whom another replica asks.
    #[cfg(feature = "fleet")]
    pub(crate) fn operator(&self) -> Option<Operator> {
        Operator::read(&self.text("by")?)
    }

    /// The scope of an answer that is summed up or gathered, which is of this replica or of all.
    pub(super) fn scope_of_sums(&self) -> Result<Scope, BadQuery> {
        match self.scope()? {
            Scope::Replica(epoch) => {
                let allowed = format_args!("local or fleet, and for lists and streams replica: with an epoch");
                Err(BadQuery::new("scope", &format!("replica:{epoch:08x}"), allowed))
            }
            scope => Ok(scope),
        }
    }

    pub(super) fn scope(&self) -> Result<Scope, BadQuery> {
        match self.text("scope").as_deref() {
            None | Some("local") => Ok(Scope::Local),
            Some("fleet") => Ok(Scope::Fleet),
            Some(other) => other.strip_prefix("replica:").and_then(read_epoch).map(Scope::Replica).ok_or_else(|| {
                BadQuery::new("scope", other, format_args!("local, fleet or replica: with the epoch of one"))
            }),
        }
    }
}

/// Reads the eight hex digits of an epoch.
fn read_epoch(text: &str) -> Option<u32> {
    let is_epoch = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_epoch.then(|| u32::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_forms_write_them() {
        let query = Query::new(Some("a=1&b=x%20y+z&c&d=%zz%4&a=2&%65=f"));
        let table = [
            ("a", Some("2")),
            ("b", Some("x y z")),
            ("c", Some("")),
            ("d", Some("%zz%4")),
            ("e", Some("f")),
            ("f", None),
        ];
        for (name, value) in table {
            assert_eq!(query.text(name).as_deref(), value, "{name}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        let limit = |query: &str| Query::new(Some(query)).number("limit", 1..=1000, 100);
        assert_eq!(limit(""), Ok(100));
        assert_eq!(limit("limit=1000"), Ok(1000));
        for wrong in ["0", "1001", "-1", "+5", "x", "", "99999999999999999999"] {
            let wrong_decoded = wrong.replace('+', " ");
            let expected = format!("limit is {wrong_decoded:?}; allowed is a whole number from 1 to 1000.");
            assert_eq!(limit(&format!("limit={wrong}")), Err(BadQuery(expected)));
        }
        assert_eq!(
            Query::new(Some("format=xml")).format().unwrap_err().0,
            "format is \"xml\"; allowed is update or delta."
        );
        let scope = |query: &str| Query::new(Some(query)).scope();
        assert_eq!(scope("scope=replica:7f3a9c01"), Ok(Scope::Replica(0x7f3a_9c01)));
        for wrong in ["all", "replica:", "replica:+7f3a9c0", "replica:7f3a9c011"] {
            let expected = format!("scope is {wrong:?}; allowed is local, fleet or replica: with the epoch of one.");
            assert_eq!(scope(&format!("scope={}", wrong.replace('+', "%2B"))), Err(BadQuery(expected)));
        }
        assert_eq!(Query::new(Some("x=No")).boolean("x", true), Ok(false));
        assert!(
            Query::new(Some("x=maybe"))
                .boolean("x", true)
                .unwrap_err()
                .0
                .starts_with("x is \"maybe\"; allowed is true")
        );
    }

    #[test]
    fn a_pattern_is_bounded() {
        let pattern = |length: usize| {
            let query = format!("model={}", "%2A".repeat(length));
            Query::new(Some(&query)).pattern("model")
        };
        assert_eq!(pattern(0), Ok(None));
        assert_eq!(pattern(256), Ok(Some("*".repeat(256))));
        let expected = format!("model is \"{}\"; allowed is a text of up to 256 bytes.", "*".repeat(100));
        assert_eq!(pattern(257), Err(BadQuery(expected)));
    }
}
