"""Cases of products: MatMul, Gemm, Einsum."""

import itertools

from case_values import values


def products(case):
    for a, b in [
        ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((3, 4), (2, 4, 5)),
        ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)), ((0, 4), (4, 5)),
        ((3, 0), (0, 5)), ((2, 3, 4), (1, 4, 5)), ((1, 4), (2, 3, 4, 5)),
    ]:  # fmt: skip
        case("MatMul", [values(a), values(b, seed="b")])
        case("MatMul", [values(a), values(b, seed="b")], weights=(0, 1) if 0 in b else (1,), opset=9)
    for dtype in ("float64", "int32", "int64", "float16"):
        case("MatMul", [values((3, 4), dtype), values((4, 5), dtype, seed="b")])
    case("MatMul", [values((3, 4)), values((5, 6))], refused="cannot be multiplied: 4 and 5 differ")
    for trans_a, trans_b in itertools.product((0, 1), (0, 1)):
        a = values((4, 3) if trans_a else (3, 4))
        b = values((5, 4) if trans_b else (4, 5), seed="b")
        for c in ((3, 5), (5,), (1,), (), (3, 1), (1, 5)):
            case("Gemm", [a, b, values(c, seed="c")], weights=(1, 2), transA=trans_a, transB=trans_b)
        case("Gemm", [a, b], transA=trans_a, transB=trans_b, alpha=0.5, opset=13)
    case("Gemm", [values((3, 4)), values((4, 5)), values((5,))], alpha=0.3, beta=1.7, opset=7)
    case("Gemm", [values((3, 4)), values((4, 5)), values((5,))], beta=0.0, opset=9)
    for dtype in ("float64", "int32", "int64"):
        case("Gemm", [values((3, 4), dtype), values((4, 5), dtype), values((5,), dtype)], alpha=2.0, opset=13)
    case("Gemm", [values((3, 4)), values((4, 5)), values((4,))], refused="input 2 ('x2') has shape [4], which does not broadcast to [3,5]: 4 and 5 differ")


def einsums(case):
    for equation, *shapes in [
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,kj->ki", (2, 3), (4, 3)), ("ij->ji", (2, 3)),
        ("ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("i,i->", (5,), (5,)), ("i,j->ij", (2,), (3,)),
        ("i,j->ji", (2,), (3,)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("iji->ij", (3, 2, 3)), ("iij->j", (3, 3, 2)),
        ("iii->i", (3, 3, 3)), ("jii->ij", (2, 3, 3)), ("iijj->ij", (3, 3, 2, 2)), ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
        ("...ij,jk->...ik", (6, 2, 3, 4), (4, 5)), ("...ij,...jk", (6, 1, 3, 4), (2, 4, 5)), ("...ii->...i", (2, 3, 3)),
        ("i...->...i", (2, 3, 4)), ("...,...->...", (2, 3), (3,)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
        ("bhqd,bhkd->bhqk", (2, 3, 5, 4), (2, 3, 6, 4)), ("bqhd,bkhd->bhqk", (2, 5, 3, 4), (2, 6, 3, 4)),
        ("bhqk,bkhd->bqhd", (2, 3, 5, 6), (2, 6, 3, 4)), ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)), ("ij,j,jk->ik", (2, 3), (3,), (3, 4)),
        ("ab,cd->bd", (2, 3), (4, 5)), ("Ab,bA->A", (2, 3), (3, 2)), ("bA", (2, 3)), ("ij,kl->", (2, 3), (4, 5)),
        ("ij , jk -> ik", (2, 3), (3, 4)), ("ij,jk->ik", (0, 3), (3, 4)), ("ij,jk->ik", (2, 0), (0, 4)), (",ij->ij", (), (2, 3)),
        ("ijk,ijl->kl", (4, 3, 2), (4, 3, 5)), ("i,ij,j->", (2,), (2, 3), (3,)), ("abij,ajk->abik", (2, 3, 4, 5), (2, 5, 6)),
    ]:  # fmt: skip
        arrays = [values(shape, seed=str(k)) for k, shape in enumerate(shapes)]
        case("Einsum", arrays, equation=equation, opset=12)
        if len(arrays) == 2:
            case("Einsum", arrays, weights=(1,), equation=equation, opset=28)
            case("Einsum", arrays, weights=(0,), equation=equation)
    for dtype in ("float64", "float16", "int32", "int64"):
        case("Einsum", [values((2, 3), dtype), values((3, 4), dtype, seed="b")], equation="ij,jk->ik")
    x = values((2, 3))
    case("Einsum", [x, values((4, 5))], equation="ij,jk->ik", refused="'j' of the equation has two extents: 4 and 3 differ")
    case("Einsum", [x], equation="ijk->i", refused="the equation's term 'ijk' has 3 letters, but input 0 has rank 2")
    case("Einsum", [x], equation="ij->ik", refused="the equation 'ij->ik' has 'k' in its result only")
    case("Einsum", [x], equation="ij->ii", refused="the equation 'ij->ii' has 'i' twice in its result")
    case("Einsum", [x], equation="ij,jk->ik", refused="has 2 operands, but there are 1 inputs")
    case("Einsum", [x], equation="i.->i", refused="the equation's term 'i.' holds '.'")
    case("Einsum", [x], equation="ii->i", refused="'i' of the equation has two extents: 3 and 2 differ")
    case("Einsum", [values((1, 3))], equation="ii->i", refused="'i' of the equation has two extents: 3 and 1 differ")


GROUPS = (products, einsums)
