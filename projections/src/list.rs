//! The one list of projections and their views. The projector, the rebuild, the comparison and the
//! history go through it; nothing else lists them.

use events::CustomerEvent;
use events::record::{Record, StreamKind};
use serde::{Deserialize, Serialize};

use crate::view::View;
use crate::{medusa, shopline};

/// What is done with each view of a projection.
pub trait Visitor {
    /// Why it stops.
    type Error;

    /// Does it with one view.
    fn visit<V: View>(&mut self) -> impl Future<Output = Result<(), Self::Error>>;
}

/// A projection a line: its name, its module, and the views that it keeps. The first view is that of a
/// customer. A projector locks tables in this order.
macro_rules! projections {
    ($(#[doc = $about:literal] $name:ident: $module:ident::{Customer $(, $view:ident)*};)+) => {
        /// The projections there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Projection {
            $(#[doc = $about] $name,)+
        }

        impl Projection {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// The name in tables, consumer groups and metrics.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($module),)+
                }
            }

            /// What it keeps, for a reader.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$name => $about.trim().trim_end_matches('.'),)+
                }
            }

            /// The tables of its views, each with the kind of stream that has a row there.
            pub const fn views(self) -> &'static [(&'static str, StreamKind)] {
                match self {
                    $(Self::$name => &[
                        ($module::Customer::TABLE, $module::Customer::KIND)
                        $(, ($module::$view::TABLE, $module::$view::KIND))*
                    ],)+
                }
            }

            /// All its tables, in the order in which they are locked.
            pub fn tables(self) -> Vec<&'static str> {
                match self {
                    $(Self::$name => [
                        tables::<$module::Customer>()
                        $(, tables::<$module::$view>())*
                    ].concat(),)+
                }
            }

            /// Takes a visitor through its views, in order.
            pub async fn visit<T: Visitor>(self, visitor: &mut T) -> Result<(), T::Error> {
                match self {
                    $(Self::$name => {
                        visitor.visit::<$module::Customer>().await?;
                        $(visitor.visit::<$module::$view>().await?;)*
                    })+
                }
                Ok(())
            }
        }

        /// A customer in every contract's shape.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct CustomerViews {
            $(#[doc = $about] pub $module: $module::Customer,)+
        }

        impl CustomerViews {
            /// Folds the next record of the customer's stream into each.
            pub fn apply(&mut self, record: &Record<CustomerEvent>) {
                $(self.$module.apply(record);)+
            }
        }
    };
}

projections! {
    /// Medusa's customers and groups.
    Medusa: medusa::{Customer, Group};
    /// SHOPLINE's customers.
    Shopline: shopline::{Customer};
}

fn tables<V: View>() -> Vec<&'static str> {
    [&[V::TABLE], V::BESIDE].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_locked_in_the_order_of_views() {
        let [medusa, shopline] = Projection::ALL.map(Projection::tables);
        assert_eq!(
            medusa,
            [
                "medusa_customers",
                "medusa_customer_counts",
                "medusa_groups"
            ]
        );
        assert_eq!(shopline, ["shopline_customers"]);
    }
}
