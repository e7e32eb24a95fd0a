//! The addresses of a customer, within it and as a resource of their own: from body and query to a
//! command.
//!
//! As a resource its flag is `def`, and it has finer places: `city_code`, `district`, `district_code`
//! and `town`. `address_type` is ignored, for there is one type.
//! Source: SHOPLINE, create address and update address v20220901, batch delete addresses v20220901,
//! batch query addresses. Their answers: projection `shopline`.

use events::ids::ShoplineId;
use events::patch::Patch;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::member::{Type, check_types, get, text, texts};
use super::query::Query;
use super::request::{members, object};
use crate::domain::customer::{AddressPatch, Fields, NewAddress, Rules, UpdateCustomer};

/// The members of an address. `customer_id` and `name` are documented and say nothing that an
/// address keeps.
pub(super) const ADDRESS_TYPES: [(&str, Type); 15] = [
    ("addresses.address1", Type::String),
    ("addresses.address2", Type::String),
    ("addresses.city", Type::String),
    ("addresses.company", Type::String),
    ("addresses.country", Type::String),
    ("addresses.country_code", Type::String),
    ("addresses.country_name", Type::String),
    ("addresses.default", Type::Boolean),
    ("addresses.first_name", Type::String),
    ("addresses.id", Type::String),
    ("addresses.last_name", Type::String),
    ("addresses.phone", Type::String),
    ("addresses.province", Type::String),
    ("addresses.province_code", Type::String),
    ("addresses.zip", Type::String),
];

/// Reads an address, its members of the right types.
pub(super) fn read_address(address: &Map<String, Value>) -> Result<AddressPatch, ApiError> {
    let text = |member| text(address, member);
    let country = match text("addresses.country")? {
        Patch::Keep => text("addresses.country_name")?,
        country @ (Patch::Clear | Patch::Set(_)) => country,
    };
    Ok(AddressPatch {
        shopline_id: match text("addresses.id")? {
            Patch::Set(id) => Some(id.into()),
            Patch::Keep | Patch::Clear => None,
        },
        default: get(address, "addresses.default").and_then(Value::as_bool),
        first_name: text("addresses.first_name")?,
        last_name: text("addresses.last_name")?,
        company: text("addresses.company")?,
        address_1: text("addresses.address1")?,
        address_2: text("addresses.address2")?,
        city: text("addresses.city")?,
        province: text("addresses.province")?,
        province_code: text("addresses.province_code")?,
        postal_code: text("addresses.zip")?,
        country,
        country_code: text("addresses.country_code")?,
        phone: text("addresses.phone")?,
        ..AddressPatch::default()
    })
}

/// Reads the body of "create address". An `id` is no member of it.
pub fn parse_create(body: &[u8]) -> Result<AddressPatch, ApiError> {
    let mut address = members(body, "customer_address")?;
    // The flag has another name inside a customer, where this one means nothing.
    match address.swap_remove("def") {
        Some(def) => address.insert("default".to_owned(), def),
        None => address.swap_remove("default"),
    };
    address.swap_remove("id");
    check_types(&address, &ADDRESS_TYPES)?;
    check_types(&address, &PLACE_TYPES)?;
    let text = |member| text(&address, member);
    Ok(AddressPatch {
        city_code: text("addresses.city_code")?,
        district: text("addresses.district")?,
        district_code: text("addresses.district_code")?,
        town: text("addresses.town")?,
        ..read_address(&address)?
    })
}

/// The places that an address has only here.
const PLACE_TYPES: [(&str, Type); 4] = [
    ("addresses.city_code", Type::String),
    ("addresses.district", Type::String),
    ("addresses.district_code", Type::String),
    ("addresses.town", Type::String),
];

/// Reads the body of "update address", of the address with this id.
pub fn parse_update(body: &[u8], id: &ShoplineId) -> Result<AddressPatch, ApiError> {
    Ok(AddressPatch {
        shopline_id: Some(id.clone()),
        ..parse_create(body)?
    })
}

/// The command that puts one address into a customer.
pub(crate) fn into_command(
    rules: &'static Rules,
    mut address: AddressPatch,
    new_address: impl FnOnce() -> NewAddress,
) -> UpdateCustomer {
    if address.shopline_id.is_none() {
        address.new = new_address();
    }
    UpdateCustomer {
        rules,
        fields: Fields::default(),
        password: false,
        groups: None,
        addresses: vec![address],
    }
}

/// The ids of the addresses that "batch delete addresses" removes.
pub(crate) fn parse_destroy(query: &Query) -> Result<Vec<ShoplineId>, ApiError> {
    if query.get("operation") != Some("destroy") {
        return Err(ApiError::Parameter {
            parameter: "operation",
            expected: "destroy",
        });
    }
    query.required_ids("address_ids")
}

/// The ids of the customers whose addresses "batch query addresses" asks for. What it says of
/// `address_types` is not looked at: SHOPLINE's own Go client cannot say it right.
pub(crate) fn parse_list(body: &[u8]) -> Result<Vec<ShoplineId>, ApiError> {
    texts(&object(body)?, "uids")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_within_a_customer_but_for_its_flag() {
        let address = parse_create(
            br#"{"customer_address":{"address1":"1 Test Street","address2":"","address_type":0,
                "city_code":"","district":"Altstadt","def":true,"default":false,"id":"SL1","country_name":"Narnia",
                "zip":null}}"#,
        )
        .unwrap();
        let expected = AddressPatch {
            default: Some(true),
            address_1: Patch::Set("1 Test Street".to_owned()),
            address_2: Patch::Clear,
            city_code: Patch::Clear,
            district: Patch::Set("Altstadt".to_owned()),
            country: Patch::Set("Narnia".to_owned()),
            ..AddressPatch::default()
        };
        assert_eq!(address, expected);
        let update =
            parse_update(br#"{"customer_address":{"default":true}}"#, &"SL1".into()).unwrap();
        let expected = AddressPatch {
            shopline_id: Some("SL1".into()),
            ..AddressPatch::default()
        };
        assert_eq!(update, expected);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (body, status) in [
            ("", 400),
            ("[]", 400),
            (r#"{"customer_address":[]}"#, 400),
            (r#"{"customer_address":{"zip":1}}"#, 400),
            (r#"{"customer_address":{"def":"true"}}"#, 400),
            (r#"{"customer":{}}"#, 422),
            (r#"{"customer_address":{"zip":"\u0000"}}"#, 422),
        ] {
            let refused = parse_create(body.as_bytes()).unwrap_err();
            assert_eq!(refused.status(), status, "{body}");
        }
    }

    #[test]
    fn addresses_are_destroyed_by_name() {
        let destroy = |query| parse_destroy(&Query::parse(query));
        let both = ["a".into(), "b".into()];
        let fine = destroy("address_ids=a%2Cb,a&operation=destroy");
        assert_eq!(fine.as_deref(), Ok(&both[..]));
        for wrong in [
            "",
            "address_ids=a",
            "address_ids=a&operation=keep",
            "operation=destroy",
            "operation=destroy&address_ids=,",
        ] {
            assert_eq!(destroy(wrong).unwrap_err().status(), 422, "{wrong}");
        }
    }

    #[test]
    fn customers_are_listed_by_id() {
        let list = |body: &str| parse_list(body.as_bytes());
        let one = ["1".into()];
        let fine = list(r#"{"uids":["1","","1"],"address_types":[{}]}"#);
        assert_eq!(fine.as_deref(), Ok(&one[..]));
        for (body, status) in [
            ("{}", 422),
            (r#"{"uids":null}"#, 422),
            (r#"{"uids":"1"}"#, 400),
            (r#"{"uids":[1]}"#, 400),
            (r#"["1"]"#, 400),
        ] {
            assert_eq!(list(body).unwrap_err().status(), status, "{body}");
        }
    }
}
