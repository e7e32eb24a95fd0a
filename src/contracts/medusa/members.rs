//! `POST` and `DELETE /admin/customer-groups/{id}/customers/batch`: what is asked. Their queries are
//! not looked at.

use events::ids::MedusaId;
use express::json::Document;
use serde_json::Value;

use super::customer::refuse_unstorable;
use super::error::ApiError;
use super::validation::{Property, Rule, validate};

const BATCH: [Property; 1] = [Property::not_null("customer_ids", Rule::Items(&CUSTOMER))];

const CUSTOMER: [Property; 1] = [Property::required("id", Rule::Text)];

/// The customers who are to join, by Medusa's ids, in the request's order, twice where it says so.
pub fn parse_add(body: Document) -> Result<Vec<MedusaId>, ApiError> {
    let customers: Option<Vec<MedusaId>> = parse(body)?.into_iter().collect();
    customers.ok_or(ApiError::NotNull {
        column: "customer_id",
        table: "customer_group_customers",
    })
}

/// The customers who are to leave.
pub fn parse_remove(body: Document) -> Result<Vec<MedusaId>, ApiError> {
    Ok(parse(body)?.into_iter().flatten().collect())
}

/// The ids. A list inside the list passes validation and has none. What is no list, or is not
/// there, passes too, and is what Medusa does not expect.
/// Source: cases `cg-batch-add-missing`, `cg-batch-delete-invalid`; contract §14.1.
fn parse(body: Document) -> Result<Vec<Option<MedusaId>>, ApiError> {
    let Document { value, unstorable } = body;
    let mut members = validate(value, &BATCH)?;
    refuse_unstorable(unstorable)?;
    let Some(Value::Array(customers)) = members.get_mut("customer_ids").map(Value::take) else {
        return Err(ApiError::Unknown);
    };
    let id = |customer: &Value| Some(customer.get("id")?.as_str()?.into());
    Ok(customers.iter().map(id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contracts::medusa::error::text_of_invalid;
    use express::json;

    fn add(body: &str) -> Result<Vec<MedusaId>, ApiError> {
        parse_add(json::parse(body).unwrap())
    }

    fn remove(body: &str) -> Result<Vec<MedusaId>, ApiError> {
        parse_remove(json::parse(body).unwrap())
    }

    #[track_caller]
    fn both(body: &str, expected: &Result<Vec<MedusaId>, ApiError>) {
        assert_eq!(&add(body), expected, "{body}");
        assert_eq!(&remove(body), expected, "{body}");
    }

    #[test]
    fn ids_come_in_order_and_twice() {
        let ids = |ids: &[&str]| Ok(ids.iter().copied().map(MedusaId::from).collect());
        both(r#"{"customer_ids":[]}"#, &ids(&[]));
        both(
            r#"{"customer_ids":[{"id":"b"},{"id":""},{"id":"b"}]}"#,
            &ids(&["b", "", "b"]),
        );
        both(
            r#"{"customer_ids":[{"id":"b","toString":1}]}"#,
            &ids(&["b"]),
        );
    }

    #[test]
    fn every_other_shape_has_its_message() {
        let each = "each value in nested property customer_ids must be either object or array";
        for (body, message) in [
            (r#"{"customer_ids":null}"#, each.to_owned()),
            (r#"{"customer_ids":"x"}"#, each.to_owned()),
            (r#"{"customer_ids":5}"#, each.to_owned()),
            (r#"{"customer_ids":[null]}"#, each.to_owned()),
            (
                r#"{"customer_ids":["a",{"id":1}]}"#,
                format!("{each}, id must be a string"),
            ),
            (
                r#"{"customer_ids":[{"id":null}]}"#,
                "id must be a string".to_owned(),
            ),
            (
                r#"{"customer_ids":[[{}]]}"#,
                "id must be a string".to_owned(),
            ),
            (r#"{"customer_ids":{}}"#, "id must be a string".to_owned()),
            (
                r#"{"x":1,"customer_ids":[{"y":1,"id":"a"}]}"#,
                "property x should not exist, property y should not exist".to_owned(),
            ),
            (
                "[]",
                "an unknown value was passed to the validate function".to_owned(),
            ),
        ] {
            assert_eq!(text_of_invalid(add(body)), Err(message.clone()), "{body}");
            assert_eq!(text_of_invalid(remove(body)), Err(message), "{body}");
        }
        both("{}", &Err(ApiError::Unknown));
        both(r#"{"customer_ids":{"id":"x"}}"#, &Err(ApiError::Unknown));
        both(
            r#"{"customer_ids":[{"id":"\u0000"}]}"#,
            &Err(ApiError::Unknown),
        );
    }

    #[test]
    fn a_list_in_the_list_is_nobody_who_can_leave_and_not_join() {
        for body in [
            r#"{"customer_ids":[[]]}"#,
            r#"{"customer_ids":[[{"id":"x"}]]}"#,
        ] {
            assert_eq!(remove(body), Ok(vec![]));
            let message = "Can't insert null value in field customer_id on insert in table \
                           customer_group_customers";
            let refused = add(body).unwrap_err();
            assert_eq!(
                (refused.status(), refused.message().as_str()),
                (400, message)
            );
        }
    }
}
