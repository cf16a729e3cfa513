"""Cases of Attention and RotaryEmbedding."""

from case_values import values


def attentions(case):
    def attention(opset=23, batch=2, heads=4, groups=4, queries=3, keys=5, size=8, v_size=8, past=0, mask=None, rank=4,
                  dtype="float32", **rest):  # fmt: skip
        shapes = [(batch, heads, queries, size), (batch, groups, keys, size), (batch, groups, keys, v_size)]
        if rank == 3:
            shapes = [(b, s, h * d) for b, h, s, d in shapes]
            rest |= {"q_num_heads": heads, "kv_num_heads": groups}
        arrays = [values(s, dtype, seed=str(k)) for k, s in enumerate(shapes)] + [mask]
        if past:
            arrays += [values((batch, groups, past, size), dtype), values((batch, groups, past, v_size), dtype)]
            rest |= {"outputs": rest.get("outputs", 3)}
        while arrays[-1] is None:
            arrays.pop()
        case("Attention", arrays, opset=opset, keep=(size, v_size, heads, groups, heads * size, groups * size, groups * v_size), **rest)

    for rank in (3, 4):
        for groups in (4, 2, 1):
            attention(rank=rank, groups=groups)
            attention(rank=rank, groups=groups, is_causal=1, keys=3)
            attention(rank=rank, groups=groups, past=4, is_causal=1)
        attention(rank=rank, v_size=10, scale=0.3, queries=7)
        attention(rank=rank, softcap=2.0)
        for mode in (0, 1, 2, 3):
            attention(rank=rank, mask=values((3, 5)), softcap=2.0, outputs=4, past=0, qk_matmul_output_mode=mode, symbolic=False)
    for shape in ((3, 5), (1, 5), (2, 1, 3, 5), (2, 4, 3, 5), (1, 1, 3, 5)):
        attention(mask=values(shape))
        attention(mask=values(shape, "bool"))
    attention(dtype="float16", is_causal=1, keys=3)
    attention(softmax_precision=1)
    attention(batch=1, queries=33, keys=70, size=32, v_size=32, mask=values((33, 70)))
    attention(groups=3, refused="4 heads of queries for 3 of keys and values, expected a multiple")
    attention(mask=values((5, 1, 1, 3, 5)), refused="input 3 ('x3') has shape [5,1,1,3,5], which does not broadcast to [2,4,3,5]")
    attention(mask=values((3, 4, 3, 5)), refused="does not broadcast to [2,4,3,5]: 3 and 2 differ")
    x = values((2, 4, 3, 8))
    for past, refused in (
        (values((2, 4, 7)), "input 4 ('x4') has shape [2,4,7] of rank 3, expected rank 4"),
        (values((2, 4, 7, 8), "float64"), "input 4 ('x4') is float64, expected float32"),
    ):
        case("Attention", [x, x, x, None, past, past], opset=23, outputs=3, refused=refused)
    case("Attention", [x, x, x, None, None, None, values((2,))], opset=24, refused="input 6 ('x6') is float32, expected int64")
    attention(qk_matmul_output_mode=4, refused="qk_matmul_output_mode is 4, expected 0 to 3")
    x = values((2, 3, 8))
    case("Attention", [x, x, x], opset=23, refused="q_num_heads is 0, which does not divide the 8 columns of input 0")
    for interleaved in (0, 1):
        for dim in (0, 4):
            half = (dim or 8) // 2
            cos, sin = values((9, half), seed="c"), values((9, half), seed="s")
            attributes = {"opset": 23, "interleaved": interleaved, "rotary_embedding_dim": dim, "keep": (8, half, 32)}
            positions = values((2, 3), "int64", 0, 8)
            case("RotaryEmbedding", [values((2, 4, 3, 8)), cos, sin, positions], weights=(1, 2), **attributes)
            case("RotaryEmbedding", [values((2, 3, 32)), cos, sin, positions], weights=(1, 2), num_heads=4, **attributes)
            arrays = [values((2, 4, 3, 8)), values((2, 3, half), seed="c"), values((2, 3, half), seed="s")]
            case("RotaryEmbedding", arrays, **attributes)
    case("RotaryEmbedding", [values((2, 4, 3, 8)), values((2, 3, 3)), values((2, 3, 3))], opset=23,
         refused="input 1 ('x1') has 3 columns, expected half of the turned elements: 3 and 4 differ")  # fmt: skip
    case("RotaryEmbedding", [values((2, 4, 3, 7)), values((2, 3, 3)), values((2, 3, 3))], opset=23,
         refused="7 elements of heads of 7 cannot be turned in pairs")  # fmt: skip


GROUPS = (attentions,)
