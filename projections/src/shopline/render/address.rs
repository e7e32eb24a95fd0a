//! An address as a resource of its own: the flag is `def`, and it shows the finer places, too.
//! Source: SHOPLINE, create address v20220901 and batch query addresses, by example.

use events::ids::ShoplineId;
use serde::Serialize;

use super::super::customer::{Address, Customer};
use super::Version;

/// `{"customer_address":{…}}` of the address with this id, if the customer lists it.
pub fn render_address(customer: &Customer, id: &ShoplineId) -> Option<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        customer_address: Alone<'a>,
    }
    let address = customer.addresses.iter().find(|known| known.id == *id)?;
    let customer_address = Alone {
        customer_id: Some(&customer.id),
        ..Alone::new(address, customer)
    };
    Some(to_text(&Body { customer_address }))
}

/// `{"user_address":[…]}`: the addresses of several customers.
pub fn render_addresses(customers: &[Customer], version: Version) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        user_address: Vec<Listed<'a>>,
    }
    #[derive(Serialize)]
    struct Listed<'a> {
        uid: &'a str,
        addresses: Vec<Alone<'a>>,
    }
    let listed = customers.iter().map(|customer| {
        let addresses = customer.addresses.iter();
        let addresses = addresses.map(|address| Alone {
            province_code_v2: version.province_code_v2(address),
            ..Alone::new(address, customer)
        });
        Listed {
            uid: &customer.id,
            addresses: addresses.collect(),
        }
    });
    to_text(&Body {
        user_address: listed.collect(),
    })
}

/// An address of its own. `address_type` 0 is the only type that there is.
#[derive(Serialize)]
struct Alone<'a> {
    address1: &'a str,
    address2: &'a str,
    address_type: u8,
    city: &'a str,
    city_code: &'a str,
    company: &'a str,
    country: &'a str,
    country_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<&'a str>,
    def: bool,
    district: &'a str,
    district_code: &'a str,
    first_name: &'a str,
    id: &'a str,
    last_name: &'a str,
    phone: &'a str,
    province: &'a str,
    province_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    province_code_v2: Option<&'a str>,
    town: &'a str,
    zip: &'a str,
}

impl<'a> Alone<'a> {
    fn new(address: &'a Address, customer: &Customer) -> Self {
        let default = customer.default_address();
        Self {
            address1: &address.address1,
            address2: &address.address2,
            address_type: 0,
            city: &address.city,
            city_code: &address.city_code,
            company: &address.company,
            country: &address.country,
            country_code: &address.country_code,
            customer_id: None,
            def: default.is_some_and(|default| default.key == address.key),
            district: &address.district,
            district_code: &address.district_code,
            first_name: &address.first_name,
            id: &address.id,
            last_name: &address.last_name,
            phone: &address.phone,
            province: &address.province,
            province_code: &address.province_code,
            province_code_v2: None,
            town: &address.town,
            zip: &address.zip,
        }
    }
}

fn to_text(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a body is texts, numbers and booleans")
}
