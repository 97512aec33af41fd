// Written by generate.py: the families whose files are beside this one.
files! {
    /// Judged through the contract and through the frontend.
    CONTRACT_FAMILIES: "unary", "binary", "compare", "ternary", "cast", "fill", "promote", "reduce", "arg_reduce", "scan", "matmul", "index", "sort", "views", "join", "softmax", "activation", "loss", "norm", "conv", "pool", "attention", "optimizer", "random";
    /// Judged through the frontend.
    FRONTEND_FAMILIES: "sorting", "stats", "differences", "creation", "ranges", "grids", "elementwise", "indexing", "setitem", "index_put", "take", "index_along", "scatter", "rearranging", "joining", "padding", "sampling", "viewing";
}
