//! What the totals are kept by: `(provider, model)`, interned. Names are the clients' to choose, so there is an end to them.

use super::{
    shard::Shared,
    texts::{Text, Texts},
};
use crate::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};
use foldhash::fast::RandomState;
use std::{collections::HashMap, num::NonZeroUsize};

/// A `(provider, model)` of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

impl Key {
    /// Where the keys beyond the cap are counted together.
    pub(crate) const OTHER: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Provider and model as one text. Neither may hold the separator, so no two keys write the same text.
pub(crate) fn write_key(into: &mut String, provider: &str, model: &str) {
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
}

impl Keys {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            by_text: Mutex::new(HashMap::default()),
            bytes_per_token: (0..=max).map(|_| BytesPerToken::default()).collect(),
        }
    }

    /// The key of this text; [`Key::OTHER`] once there are as many as there may be.
    pub(crate) fn intern(&self, text: &str) -> Key {
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

    /// Every key with its provider and model, and `other`.
    pub(crate) fn for_each(&self, mut f: impl FnMut(Key, &str, &str)) {
        f(Key::OTHER, "other", "other");
        for (text, &key) in self.by_text.lock().iter() {
            let (provider, model) = split(text);
            f(key, provider, model);
        }
    }
}

/// The keys that one shard has met, so that it seldom asks for those of the process.
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
    pub(crate) fn of(&mut self, texts: &Texts, shared: &Shared) -> Key {
        match &mut self.last {
            Some((last, key)) if last.has_names_of(texts) => *key,
            _ => {
                let key = self.look_up(texts, shared);
                let (last, last_key) = self.last.get_or_insert_with(|| (Texts::default(), key));
                last.copy_from(texts);
                *last_key = key;
                key
            }
        }
    }

    fn look_up(&mut self, texts: &Texts, shared: &Shared) -> Key {
        let names = texts.names(&shared.config.known_providers);
        let resolved = texts.get(Text::Resolved);
        write_key(&mut self.text, names.provider(), if resolved.is_empty() { names.model() } else { resolved });
        if let Some(&key) = self.by_text.get(self.text.as_str()) {
            return key;
        }
        let key = shared.keys.intern(&self.text);
        // Those beyond the cap are looked up each time: remembering them would have no end.
        if key != Key::OTHER {
            self.by_text.insert(self.text.as_str().into(), key);
        }
        key
    }
}

/// Bytes of text per output token, taught by the finished requests of a model. Starts at 4.
#[derive(Debug)]
pub(crate) struct BytesPerToken(AtomicU32);

impl Default for BytesPerToken {
    fn default() -> Self {
        Self(AtomicU32::new(4.0_f32.to_bits()))
    }
}

/// How much one finished request moves the ratio.
const LEARNING_RATE: f32 = 0.1;
/// Too short an answer says little.
const MIN_TOKENS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

impl BytesPerToken {
    pub(crate) fn estimate(&self, text_bytes: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate of a positive number"
        )]
        let tokens = (text_bytes as f32 / f32::from_bits(self.0.load(Ordering::Relaxed))).ceil() as u64;
        tokens
    }

    /// Learns from an answer whose text and whose tokens are both known. Two at once may lose one lesson.
    pub(crate) fn learn(&self, text_bytes: u64, tokens: u64) {
        if text_bytes == 0 || tokens < MIN_TOKENS.get() as u64 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
        let seen = (text_bytes as f32 / tokens as f32).clamp(0.5, 16.0);
        let old = f32::from_bits(self.0.load(Ordering::Relaxed));
        self.0.store((old + LEARNING_RATE * (seen - old)).to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_beyond_the_cap_are_counted_together() {
        let keys = Keys::new(2);
        let (a, b) = (keys.intern("p\0a"), keys.intern("p\0b"));
        assert_ne!(a, b);
        assert_eq!(keys.intern("p\0a"), a);
        assert_eq!(keys.intern("p\0c"), Key::OTHER);
        assert_eq!(keys.intern("p\0d"), Key::OTHER);
        let mut seen = Vec::new();
        keys.for_each(|_, provider, model| seen.push(format!("{provider}/{model}")));
        seen.sort();
        assert_eq!(seen, ["other/other", "p/a", "p/b"]);
    }

    #[test]
    fn the_ratio_starts_at_four_and_follows_what_is_seen() {
        let ratio = BytesPerToken::default();
        assert_eq!(ratio.estimate(400), 100);
        for _ in 0..100 {
            ratio.learn(2000, 1000);
        }
        assert_eq!(ratio.estimate(400), 200);
        ratio.learn(1_000_000, 15);
        assert_eq!(ratio.estimate(400), 200, "an answer too short teaches nothing");
    }
}
