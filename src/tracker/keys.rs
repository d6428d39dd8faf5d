//! Interned `(provider, model)` keys of the totals. Clients choose the names, so their number is capped.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    bytes_per_token::BytesPerToken,
    names::Names,
    texts::{TextField, Texts},
};
use crate::sync::Mutex;

/// A `(provider, model)` of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

impl Key {
    /// The key under which all beyond the cap are counted.
    pub(crate) const OTHER: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Writes provider and model as one text, with a zero byte between them.
fn write_key(into: &mut String, provider: &str, model: &str) {
    into.clear();
    into.push_str(provider);
    into.push('\0');
    into.push_str(model);
}

fn split(key: &str) -> (&str, &str) {
    key.split_once('\0').unwrap_or((key, ""))
}

/// All keys of the process, and how many bytes of text make a token of each.
#[derive(Debug)]
pub(crate) struct Keys {
    by_text: Mutex<HashMap<Box<str>, Key, RandomState>>,
    bytes_per_token: Box<[BytesPerToken]>,
    /// Provider names accepted as a prefix of a model.
    known_providers: Vec<String>,
}

impl Keys {
    pub(crate) fn new(max: usize, known_providers: Vec<String>) -> Self {
        Self {
            by_text: Mutex::new(HashMap::default()),
            bytes_per_token: (0..=max).map(|_| BytesPerToken::default()).collect(),
            known_providers,
        }
    }

    /// The provider and the model that these texts name.
    pub(crate) fn names<'a>(&'a self, texts: &'a Texts) -> Names<'a> {
        texts.names(&self.known_providers)
    }

    /// The key of a provider's model; [`Key::OTHER`] once there are as many keys as there may be.
    pub(crate) fn key(&self, provider: &str, model: &str) -> Key {
        let mut text = String::new();
        write_key(&mut text, provider, model);
        self.intern(&text)
    }

    fn intern(&self, text: &str) -> Key {
        let mut keys = self.by_text.lock();
        if let Some(&key) = keys.get(text) {
            return key;
        }
        let next = keys.len() + 1;
        let Some(key) = u32::try_from(next).ok().filter(|_| next < self.bytes_per_token.len()).map(Key) else {
            return Key::OTHER;
        };
        keys.insert(text.into(), key);
        key
    }

    pub(crate) fn bytes_per_token(&self, key: Key) -> &BytesPerToken {
        &self.bytes_per_token[key.index()]
    }

    /// Calls `f` with every key, its provider and its model, `other` included.
    pub(crate) fn for_each(&self, mut f: impl FnMut(Key, &str, &str)) {
        f(Key::OTHER, "other", "other");
        for (text, &key) in self.by_text.lock().iter() {
            let (provider, model) = split(text);
            f(key, provider, model);
        }
    }
}

/// The keys that one shard has met, so that it seldom needs the lock of [`Keys`].
#[derive(Debug, Default)]
pub(crate) struct LocalKeys {
    by_text: HashMap<Box<str>, Key, RandomState>,
    /// Scratch space.
    text: String,
    /// The names asked for last, and their key: one model often follows itself.
    last: Option<(Texts, Key)>,
}

impl LocalKeys {
    /// The key of a request with these names.
    pub(crate) fn of(&mut self, texts: &Texts, keys: &Keys) -> Key {
        match &mut self.last {
            Some((last, key)) if last.has_names_of(texts) => *key,
            _ => {
                let key = self.look_up(texts, keys);
                let (last, last_key) = self.last.get_or_insert_with(|| (Texts::default(), key));
                last.clone_from(texts);
                *last_key = key;
                key
            }
        }
    }

    fn look_up(&mut self, texts: &Texts, keys: &Keys) -> Key {
        let names = keys.names(texts);
        let resolved = texts.get(TextField::Resolved);
        write_key(&mut self.text, names.provider(), if resolved.is_empty() { names.model() } else { resolved });
        if let Some(&key) = self.by_text.get(self.text.as_str()) {
            return key;
        }
        let key = keys.intern(&self.text);
        // Names beyond the cap are looked up each time: remembering them would have no limit.
        if key != Key::OTHER {
            self.by_text.insert(self.text.as_str().into(), key);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_beyond_the_cap_are_counted_together() {
        let keys = Keys::new(2, Vec::new());
        let (a, b) = (keys.key("p", "a"), keys.key("p", "b"));
        assert_ne!(a, b);
        assert_eq!(keys.key("p", "a"), a);
        assert_eq!(keys.key("p", "c"), Key::OTHER);
        assert_eq!(keys.key("p", "d"), Key::OTHER);
        let mut seen = Vec::new();
        keys.for_each(|_, provider, model| seen.push(format!("{provider}/{model}")));
        seen.sort();
        assert_eq!(seen, ["other/other", "p/a", "p/b"]);
    }
}
