// Written by generate.py: the families whose files are beside this one.
files! {
    /// Judged through the contract and through the frontend.
    CONTRACT_FAMILIES: "unary", "binary", "compare", "ternary", "cast", "fill", "promote", "reduce", "arg_reduce", "scan", "matmul", "index", "sort", "views", "join", "softmax", "activation", "loss", "norm", "conv", "pool", "attention", "optimizer", "random";
    /// Judged through the frontend.
    FRONTEND_FAMILIES: "creation", "ranges", "grids", "elementwise", "indexing", "setitem", "index_put", "take", "index_along", "scatter", "linalg", "matrices", "rearranging", "joining", "padding", "sampling", "sorting", "stats", "differences", "viewing";
}
