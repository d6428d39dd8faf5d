//! Keys of JSON objects, and what the dialects make of them.

/// Keys, each with what belongs to it, by their length: most keys of a body are refused without comparing a byte.
#[derive(Debug)]
pub(super) struct KeyTable<T>(Vec<Vec<(&'static [u8], T)>>);

impl<T> KeyTable<T> {
    /// Returns what belongs to a key, in the order in which it was put in.
    pub(super) fn of(&self, key: &[u8]) -> impl Iterator<Item = &T> {
        let alike = self.0.get(key.len()).map_or(&[][..], Vec::as_slice);
        // To compare all bytes is to call a function, which one byte spares nearly always.
        let is_same = move |known: &[u8]| known.first() == key.first() && known == key;
        alike.iter().filter(move |(known, _)| is_same(known)).map(|(_, meaning)| meaning)
    }
}

impl<T> FromIterator<(&'static [u8], T)> for KeyTable<T> {
    fn from_iter<I: IntoIterator<Item = (&'static [u8], T)>>(entries: I) -> Self {
        let mut by_length = Vec::new();
        for entry in entries {
            let length = entry.0.len();
            if by_length.len() <= length {
                by_length.resize_with(length + 1, Vec::new);
            }
            by_length[length].push(entry);
        }
        Self(by_length)
    }
}
