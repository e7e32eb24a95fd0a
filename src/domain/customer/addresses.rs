//! A customer's addresses: what a request makes of them.

use events::CustomerEvent;
use events::address::{Address, AddressChange, AddressChanged, CountryCode, Slot};
use events::ids::ShoplineId;
use events::patch::Patch;
use events::personal::Personal;

use super::Customer;
use super::command::AddressPatch;
use super::fields::{check, check_text, new_text, open};
use super::rules::{Limits, Refusal, Rules, Unit};

/// Adds and changes addresses in order: a known id patches that address, no id adds one, unlisted
/// ones stay. At most one is the chosen default: the last that asks for it.
pub(super) fn change_addresses(
    customer: &Customer,
    rules: &Rules,
    patches: Vec<AddressPatch>,
) -> Result<Vec<CustomerEvent>, Refusal> {
    let mut after = customer.addresses.clone();
    for patch in patches {
        let wants_default = patch.default == Some(true);
        let is_default = wants_default && serves_as_default(&after, patch.shopline_id.as_ref());
        let id = if let Some(known) = &patch.shopline_id {
            let address = after
                .iter_mut()
                .find(|address| address.slot == Slot::Shipping && &address.ids.shopline == known)
                .ok_or_else(|| Refusal::AddressUnknown {
                    shopline_id: known.clone(),
                })?;
            patch_address(address, patch, rules)?;
            address.id.clone()
        } else {
            let mut address = empty_address(&patch);
            patch_address(&mut address, patch, rules)?;
            let id = address.id.clone();
            after.push(address);
            check_listed(customer, &after, rules)?;
            id
        };
        if wants_default && !is_default {
            for address in &mut after {
                address.default = address.id == id;
            }
        }
    }
    Ok(after
        .into_iter()
        .filter_map(|address| {
            let before = customer
                .addresses
                .iter()
                .find(|before| before.id == address.id);
            let change = match before {
                None => AddressChange::Added,
                Some(before) if *before != address => AddressChange::Changed,
                Some(_) => return None,
            };
            Some(CustomerEvent::AddressChanged(AddressChanged {
                change,
                address,
            }))
        })
        .collect())
}

/// Removes addresses of the list, all of them or none.
pub(super) fn remove_addresses(
    customer: &Customer,
    shopline_ids: &[ShoplineId],
) -> Result<Vec<CustomerEvent>, Refusal> {
    if let Some(unknown) = shopline_ids
        .iter()
        .find(|id| !listed(&customer.addresses).any(|address| address.ids.shopline == **id))
    {
        return Err(Refusal::AddressUnknown {
            shopline_id: unknown.clone(),
        });
    }
    Ok(listed(&customer.addresses)
        .filter(|address| shopline_ids.contains(&address.ids.shopline))
        .map(|address| {
            CustomerEvent::AddressChanged(AddressChanged {
                change: AddressChange::Removed,
                address: address.clone(),
            })
        })
        .collect())
}

/// Whether an address that is there is the default already, chosen or as the first one where none
/// was chosen: asking for it again chooses nothing.
fn serves_as_default(addresses: &[Address], shopline_id: Option<&ShoplineId>) -> bool {
    let default = listed(addresses)
        .find(|address| address.default)
        .or_else(|| listed(addresses).next());
    default.map(|address| &address.ids.shopline) == shopline_id && shopline_id.is_some()
}

/// Customers with more addresses than the contract allows keep them, but get no further one.
/// Judged at each new one, so that no request makes us build more than the limit.
fn check_listed(customer: &Customer, after: &[Address], rules: &Rules) -> Result<(), Refusal> {
    let count = listed(after).count();
    match &rules.limits {
        Some(limits) if count > listed(&customer.addresses).count() => {
            check("addresses", Unit::Items, count, limits.addresses)
        }
        Some(_) | None => Ok(()),
    }
}

fn listed(addresses: &[Address]) -> impl Iterator<Item = &Address> {
    addresses
        .iter()
        .filter(|address| address.slot == Slot::Shipping)
}

fn empty_address(patch: &AddressPatch) -> Address {
    Address {
        id: patch.new.id.clone(),
        ids: patch.new.ids.clone(),
        slot: patch.slot,
        default: false,
        first_name: None,
        last_name: None,
        company: None,
        address_1: None,
        address_2: None,
        city: None,
        city_code: None,
        district: None,
        district_code: None,
        town: None,
        province: None,
        province_code: None,
        postal_code: None,
        country: None,
        country_code: None,
        phone: None,
        metadata: None,
    }
}

fn patch_address(address: &mut Address, patch: AddressPatch, rules: &Rules) -> Result<(), Refusal> {
    let patch = new_parts(address, patch, rules);
    if let Some(limits) = &rules.limits {
        check_address(&patch, limits)?;
    }
    let put = |patch: Patch<String>, stored: &mut Option<Personal<String>>| {
        patch.map(Personal::from).apply(stored);
    };
    put(patch.first_name, &mut address.first_name);
    put(patch.last_name, &mut address.last_name);
    put(patch.company, &mut address.company);
    put(patch.address_1, &mut address.address_1);
    put(patch.address_2, &mut address.address_2);
    put(patch.city, &mut address.city);
    put(patch.city_code, &mut address.city_code);
    put(patch.district, &mut address.district);
    put(patch.district_code, &mut address.district_code);
    put(patch.town, &mut address.town);
    put(patch.province, &mut address.province);
    put(patch.province_code, &mut address.province_code);
    put(patch.postal_code, &mut address.postal_code);
    put(patch.country, &mut address.country);
    put(patch.phone, &mut address.phone);
    let country_code = patch.country_code.map(CountryCode::new);
    country_code.apply(&mut address.country_code);
    let metadata = patch.metadata.map(Personal::from);
    metadata.apply(&mut address.metadata);
    Ok(())
}

/// The patch less what the address already says.
fn new_parts(address: &Address, patch: AddressPatch, rules: &Rules) -> AddressPatch {
    let text = |patch, stored: &Option<_>| new_text(rules, patch, open(stored.as_ref()));
    let stored_code = address.country_code.as_ref();
    let stored_metadata = open(address.metadata.as_ref());
    AddressPatch {
        first_name: text(patch.first_name, &address.first_name),
        last_name: text(patch.last_name, &address.last_name),
        company: text(patch.company, &address.company),
        address_1: text(patch.address_1, &address.address_1),
        address_2: text(patch.address_2, &address.address_2),
        city: text(patch.city, &address.city),
        city_code: text(patch.city_code, &address.city_code),
        district: text(patch.district, &address.district),
        district_code: text(patch.district_code, &address.district_code),
        town: text(patch.town, &address.town),
        province: text(patch.province, &address.province),
        province_code: text(patch.province_code, &address.province_code),
        postal_code: text(patch.postal_code, &address.postal_code),
        country: text(patch.country, &address.country),
        country_code: new_country_code(patch.country_code, stored_code),
        phone: text(patch.phone, &address.phone),
        metadata: patch.metadata.against(stored_metadata),
        shopline_id: patch.shopline_id,
        new: patch.new,
        slot: patch.slot,
        default: patch.default,
    }
}

/// The patch of a country code less what the address already says: each shop writes a code of two
/// letters in its own case, whatever the case stored.
fn new_country_code(patch: Patch<String>, stored: Option<&CountryCode>) -> Patch<String> {
    match (patch, stored) {
        (Patch::Set(code), Some(CountryCode::Code(stored)))
            if code.eq_ignore_ascii_case(stored) =>
        {
            Patch::Keep
        }
        (patch, stored) => {
            let stored = stored.and_then(CountryCode::text).map(ToOwned::to_owned);
            patch.against(stored.as_ref())
        }
    }
}

fn check_address(patch: &AddressPatch, limits: &Limits) -> Result<(), Refusal> {
    let Limits {
        name,
        address_line: line,
        address_place: place,
        address_code: code,
        ..
    } = *limits;
    check_text("addresses.first_name", &patch.first_name, name)?;
    check_text("addresses.last_name", &patch.last_name, name)?;
    check_text("addresses.company", &patch.company, line)?;
    check_text("addresses.address1", &patch.address_1, line)?;
    check_text("addresses.address2", &patch.address_2, line)?;
    check_text("addresses.city", &patch.city, place)?;
    check_text("addresses.city_code", &patch.city_code, code)?;
    check_text("addresses.district", &patch.district, place)?;
    check_text("addresses.district_code", &patch.district_code, code)?;
    check_text("addresses.town", &patch.town, place)?;
    check_text("addresses.province", &patch.province, place)?;
    check_text("addresses.province_code", &patch.province_code, code)?;
    check_text("addresses.zip", &patch.postal_code, limits.postal_code)?;
    check_text("addresses.country", &patch.country, place)?;
    check_text("addresses.country_code", &patch.country_code, code)?;
    check_text("addresses.phone", &patch.phone, limits.address_phone)
}
