//! The fields that lines consist of.

/// A line by its field: the two that every token stream is made of, and the rest.
pub(super) enum Field<'a> {
    Data(&'a [u8]),
    Event(&'a [u8]),
    Other,
}

impl<'a> Field<'a> {
    #[inline]
    pub(super) fn of(line: &'a [u8]) -> Self {
        if let Some(value) = line.strip_prefix(b"data:") {
            Self::Data(strip_space(value))
        } else if let Some(value) = line.strip_prefix(b"event:") {
            Self::Event(strip_space(value))
        } else {
            match line {
                b"data" => Self::Data(&[]),
                b"event" => Self::Event(&[]),
                _ => Self::Other,
            }
        }
    }
}

#[inline]
pub(super) fn strip_space(value: &[u8]) -> &[u8] {
    match value {
        [b' ', rest @ ..] => rest,
        _ => value,
    }
}
