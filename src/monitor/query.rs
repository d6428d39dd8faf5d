//! What a query asks for, and what is wrong with it.

use super::hub::Format;
use std::{borrow::Cow, ops::RangeInclusive};

/// A parameter whose value is not one of those allowed: what to tell the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// The parameters of a query. Of those given twice the last counts; unknown ones are left alone.
#[derive(Debug)]
pub(super) struct Query<'a>(Option<&'a str>);

impl<'a> Query<'a> {
    pub(super) fn new(query: Option<&'a str>) -> Self {
        Self(query)
    }

    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let parameters = self.0.unwrap_or("").split('&').rev();
        parameters
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .find(|(n, _)| decode(n) == name)
            .map(|(_, v)| decode(v))
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, name: &str, range: RangeInclusive<usize>, default: usize) -> Result<usize, Refused> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|number| digits && range.contains(number)).ok_or_else(|| {
            refuse(name, &text, format_args!("a whole number from {} to {}", range.start(), range.end()))
        })
    }

    pub(super) fn boolean(&self, name: &str, default: bool) -> Result<bool, Refused> {
        let Some(text) = self.text(name) else { return Ok(default) };
        crate::config::boolean(&text)
            .ok_or_else(|| refuse(name, &text, format_args!("true, false, 1, 0, yes, no, on or off")))
    }

    pub(super) fn format(&self) -> Result<Format, Refused> {
        match self.text("format").as_deref() {
            None | Some("update") => Ok(Format::Update),
            Some("delta") => Ok(Format::Delta),
            Some(other) => Err(refuse("format", other, format_args!("update or delta"))),
        }
    }
}

/// What is quoted of a value, at most.
const MAX_QUOTED: usize = 100;

fn refuse(name: &str, given: &str, allowed: std::fmt::Arguments<'_>) -> Refused {
    let quoted: String = given.chars().take(MAX_QUOTED).collect();
    Refused(format!("{name} is {quoted:?}; allowed is {allowed}."))
}

/// Undoes the encoding of forms: `+` is a space, `%41` an `A`.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| matches!(b, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().iter();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let rest = bytes.as_slice();
                let hex = rest.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                let value = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                if value.is_some() {
                    bytes.nth(1);
                }
                value.unwrap_or(b'%')
            }
            byte => byte,
        });
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
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
            assert_eq!(limit(&format!("limit={wrong}")), Err(Refused(expected)));
        }
        assert_eq!(
            Query::new(Some("format=xml")).format().unwrap_err().0,
            "format is \"xml\"; allowed is update or delta."
        );
        assert_eq!(Query::new(Some("x=No")).boolean("x", true), Ok(false));
        assert!(
            Query::new(Some("x=maybe"))
                .boolean("x", true)
                .unwrap_err()
                .0
                .starts_with("x is \"maybe\"; allowed is true")
        );
    }
}
