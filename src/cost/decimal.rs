//! Decimal numbers as they are written, without a float between.

use super::PriceProblem;

/// Decimals of a dollar that are counted.
pub(super) const DECIMALS: u32 = 27;
/// Places by which dollars per token stand left of the units of a cost.
pub(super) const PER_TOKEN: i64 = DECIMALS as i64;
/// Places by which dollars per million tokens do.
pub(super) const PER_MILLION: i64 = PER_TOKEN - 6;

/// Returns the number that `text` writes, in JSON's grammar (a sign, digits, a fraction, an exponent), times 10 to the
/// power of `places`.
///
/// # Errors
/// The text is no such number, the result is negative, not whole, or beyond 128 bits.
pub(super) fn parse(text: &str, places: i64) -> Result<u128, PriceProblem> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(PriceProblem::NotANumber);
    }
    let exponent = match exponent {
        Some(exponent) => exponent.parse::<i32>().map_err(|_| PriceProblem::NotANumber)?,
        None => 0,
    };
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = digits.len() - significant.len();
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    if is_negative {
        return Err(PriceProblem::Negative);
    }
    let shift = i64::from(exponent) + places + length(zeros) - length(fraction.len());
    // A number of that many digits in front of the point does not fit in 128 bits.
    if length(significant.len()) + shift > 39 {
        return Err(PriceProblem::TooLarge);
    }
    if shift < 0 {
        return Err(PriceProblem::TooFine);
    }
    let power = u32::try_from(shift).ok().and_then(|shift| 10_u128.checked_pow(shift));
    let number = significant.parse::<u128>().ok();
    number.zip(power).and_then(|(number, power)| number.checked_mul(power)).ok_or(PriceProblem::TooLarge)
}

/// Significant digits of a number as [`parse`] takes it, zeros at either end left out.
pub(super) fn significant_digits(text: &str) -> usize {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').len()
}

fn length(digits: usize) -> i64 {
    i64::try_from(digits).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_of_a_decimal_counts() {
        for (text, places, number) in [
            ("0", 27, 0),
            ("-0.0", 27, 0),
            ("0e999", 27, 0),
            ("1.25e-06", 12, 1_250_000),
            ("1.25E-6", 12, 1_250_000),
            ("0.00000125", 12, 1_250_000),
            ("125e-8", 12, 1_250_000),
            ("2.5", 6, 2_500_000),
            ("1.5000020000000002e-05", 27, 15_000_020_000_000_002_000_000),
            ("256000.0", 0, 256_000),
            ("1e+2", 0, 100),
            ("0.000002500000000000000000000000000000000000000000", 12, 2_500_000),
            ("340282366920938463463374607431768211455", 0, u128::MAX),
        ] {
            assert_eq!(parse(text, places), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1e",
            "e5",
            "1,5",
            "0x1",
            "NaN",
            "inf",
            "1_000",
            " 1",
            "--1",
            "1e1.5",
            "1e99999999999",
        ] {
            assert_eq!(parse(text, 27), Err(PriceProblem::NotANumber), "{text:?}");
        }
        assert_eq!(parse("-1e-6", 27), Err(PriceProblem::Negative));
        assert_eq!(parse("1.5e-27", 27), Err(PriceProblem::TooFine));
        assert_eq!(parse("1e-2147483648", 27), Err(PriceProblem::TooFine));
        for text in ["340282366920938463463374607431768211456", "1e39", "1e2147483647"] {
            assert_eq!(parse(text, 0), Err(PriceProblem::TooLarge), "{text}");
        }
    }
}
