//! The JSON Schema of an event as stored: what is in Postgres and in the topic, not what is in memory.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// The schema of an event's payload: the struct's own, with the id that `ce_dataschema` names and the
/// tag `event` that the enum adds.
pub(crate) fn stored<T: JsonSchema>(type_name: &str, id: String) -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>();
    let object = schema.ensure_object();
    object.insert("$id".into(), id.into());
    let tag = json!({
        "description": "What happened.",
        "type": "string",
        "const": type_name,
    });
    if let Value::Object(properties) = object.entry("properties").or_insert_with(|| json!({})) {
        properties.shift_insert(0, "event".into(), tag);
    }
    if let Value::Array(required) = object.entry("required").or_insert_with(|| json!([])) {
        required.insert(0, "event".into());
    }
    RecursiveTransform(as_written).transform(&mut schema);
    schema
}

/// Closes an object with named members, and takes null from the members that may be absent.
///
/// What the code reads is more than what it writes: it forgives an unknown member, and takes null for
/// absent. The schema is about what is written, and there absent is not null: only a
/// [`Patch`](crate::patch::Patch) writes null, and says so in a schema of its own, behind a `$ref`.
fn as_written(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    let required: Vec<Value> = match object.get("required") {
        Some(Value::Array(names)) => names.clone(),
        _ => Vec::new(),
    };
    let Some(Value::Object(properties)) = object.get_mut("properties") else {
        return;
    };
    for (name, property) in properties.iter_mut() {
        if let Value::Object(property) = property
            && !required.iter().any(|required| required == name)
        {
            take_null(property);
        }
    }
    object.insert("additionalProperties".into(), false.into());
}

/// Takes null from the two forms in which schemars writes an `Option`: `"type": [t, "null"]` and
/// `"anyOf": [schema, {"type": "null"}]`.
fn take_null(property: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_mut_slice() {
            let one = one.take();
            property.insert("type".into(), one);
        }
    }
    if let Some(Value::Array(schemas)) = property.get_mut("anyOf") {
        schemas.retain(|one| *one != json!({ "type": "null" }));
        if let [Value::Object(one)] = schemas.as_mut_slice() {
            let one = std::mem::take(one);
            property.shift_remove("anyOf");
            property.extend(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::patch::Patch;
    use crate::personal::Personal;

    /// One member of each kind.
    #[derive(Serialize, JsonSchema)]
    struct Example {
        always: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        plain: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        personal: Option<Personal<String>>,
        #[serde(skip_serializing_if = "Patch::is_keep")]
        patch: Patch<Personal<String>>,
    }

    #[test]
    fn only_a_patch_and_a_required_member_may_be_null() {
        let schema = stored::<Example>("Example", "urn:example".to_owned()).to_value();
        let properties = &schema["properties"];
        assert_eq!(schema["required"], json!(["event", "always"]));
        assert_eq!(properties["always"]["type"], json!(["boolean", "null"]));
        assert_eq!(properties["plain"], json!({ "type": "boolean" }));
        assert_eq!(
            properties["personal"],
            json!({ "$ref": "#/$defs/Personal_string" })
        );
        assert_eq!(
            properties["patch"],
            json!({ "$ref": "#/$defs/Patch_Personal_string" })
        );
        let patch = &schema["$defs"]["Patch_Personal_string"];
        assert_eq!(patch["anyOf"][1], json!({ "type": "null" }));
    }

    #[test]
    fn every_object_with_named_members_is_closed() {
        let schema = stored::<Example>("Example", "urn:example".to_owned()).to_value();
        for closed in [
            &schema,
            &schema["$defs"]["Personal_string"],
            &schema["$defs"]["Sealed"],
        ] {
            assert_eq!(closed["additionalProperties"], json!(false));
        }
    }
}
