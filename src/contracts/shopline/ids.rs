//! The ids that the ledger gives in SHOPLINE's form.
//!
//! They are opaque to us once given: an id of another form, as an import brings it, works alike.

/// The id of the customer of this number, counted from 0: ten digits, ascending, none with a
/// leading zero, which a client that reads ids as numbers would lose.
///
/// The first are near those of SHOPLINE's examples. Ten digits last for 5.8 thousand million.
pub fn customer_id(number: u64) -> String {
    FIRST_CUSTOMER.saturating_add(number).to_string()
}

const FIRST_CUSTOMER: u64 = 4_200_000_000;

/// The id of the address of this number, random or counted: `SL201UA` and 19 digits, the first not
/// zero. Numbers below 9 × 10¹⁸ give different ids.
pub(crate) fn address_id(number: u64) -> String {
    format!(
        "SL201UA{}",
        LEAST_OF_19_DIGITS + number % (9 * LEAST_OF_19_DIGITS)
    )
}

const LEAST_OF_19_DIGITS: u64 = 1_000_000_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_id_has_ten_digits_and_ascends() {
        assert_eq!(customer_id(0), "4200000000");
        assert_eq!(customer_id(1), "4200000001");
        assert_eq!(customer_id(5_799_999_999), "9999999999");
        assert_eq!(customer_id(u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn an_address_id_has_nineteen_digits_after_its_prefix() {
        for number in [0, 1, 4_702_515_980_125_086_505, u64::MAX - 1, u64::MAX] {
            let id = address_id(number);
            let digits = id.strip_prefix("SL201UA").unwrap();
            assert_eq!(digits.len(), 19);
            assert!(digits.bytes().all(|digit| digit.is_ascii_digit()));
            assert!(!digits.starts_with('0'));
        }
        // As long as the one in SHOPLINE's example.
        assert_eq!(
            address_id(4_702_515_980_125_086_505),
            "SL201UA5702515980125086505"
        );
    }
}
