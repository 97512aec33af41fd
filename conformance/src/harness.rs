//! The families of the contract as tests.

/// Makes a test for each group of families, so that they run side by side and a failure names its group: each calls
/// `$judge` with the names of its families. One more test fails where the contract has a family that stands in no group.
///
/// ```
/// fn judge(families: &[&str]) {
///     # let _ = families;
///     // Runs each by `run_family` and asserts that the report has passed.
/// }
///
/// rusttorch_conformance::contract_tests!(judge);
/// ```
#[macro_export]
macro_rules! contract_tests {
    ($judge:path) => {
        $crate::contract_tests! { $judge:
            unary: "unary";
            binary: "binary", "compare";
            ternary: "ternary";
            copies: "cast", "fill", "views", "join";
            promotion: "promote";
            reductions: "reduce", "arg_reduce", "scan";
            matmul: "matmul";
            indexing: "index", "sort";
            functions: "softmax", "activation";
            losses: "loss";
            layers: "norm", "conv", "pool", "attention";
            optimizers: "optimizer";
            draws: "random";
        }
    };
    ($judge:path: $($test:ident: $($family:literal),+;)*) => {
        $(#[test] fn $test() { $judge(&[$($family),+]); })*

        #[test]
        fn no_family_is_left_out() {
            let tested = [$($($family),+),*];
            for family in $crate::CONTRACT_FAMILIES {
                assert!(tested.contains(family), "{family}");
            }
        }
    };
}
