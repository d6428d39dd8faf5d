//! The estimate of output tokens from bytes of text, learnt from finished requests.

use crate::sync::atomic::{AtomicU32, Ordering};

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
const MIN_TOKENS: u64 = 16;

impl BytesPerToken {
    /// The ratio as it is now.
    pub(crate) fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Learns from an answer whose text and whose tokens are both known. Two at once may lose one lesson.
    pub(crate) fn learn(&self, text_bytes: u64, tokens: u64) {
        if text_bytes == 0 || tokens < MIN_TOKENS {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a ratio of counts")]
        let seen = (text_bytes as f32 / tokens as f32).clamp(0.5, 16.0);
        let old = self.get();
        self.0.store((old + LEARNING_RATE * (seen - old)).to_bits(), Ordering::Relaxed);
    }
}

/// The tokens in so many bytes of text, by a ratio.
pub(crate) fn estimate(text_bytes: u64, bytes_per_token: f32) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of a positive number"
    )]
    let tokens = (text_bytes as f32 / bytes_per_token).ceil() as u64;
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_starts_at_four_and_follows_what_is_seen() {
        let ratio = BytesPerToken::default();
        assert_eq!(estimate(400, ratio.get()), 100);
        for _ in 0..100 {
            ratio.learn(2000, 1000);
        }
        assert_eq!(estimate(400, ratio.get()), 200);
        ratio.learn(1_000_000, 15);
        assert_eq!(estimate(400, ratio.get()), 200, "an answer too short teaches nothing");
    }
}
