#include "kernels/winograd/winograd.h"

#include <fmt/format.h>

#include "ir/scalar_cost.h"
#include "kernels/contract/epilogue.h"
#include "kernels/contract/tile_code.h"
#include "kernels/task_writer.h"
#include "kernels/winograd/grid.h"
#include "kernels/winograd/transform.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using loop::Value;

constexpr int kSize = 4;  // bytes of an element

// The products of one point, as tile code sees them: rows of V are pixels, M is the result.
Contraction products_of(const Contraction& whole, const WinogradGrid& grid) {
  Contraction products;
  products.dtypes = {DType::kF32, DType::kF32, DType::kF32};
  products.per_column = {true, true};
  products.pixels.strides = {Dim(grid.v_row), Dim(0), Dim(grid.unit())};
  products.channels = whole.channels;
  products.columns = Dim(grid.unit());
  products.panel = whole.panel;
  products.w_stride = whole.panel;
  return products;
}

Schedule schedule_of(const WinogradGrid& grid) {
  Schedule schedule;
  schedule.lanes = grid.registers.lanes;
  schedule.vectors = grid.registers.vectors;
  schedule.pixels = grid.heights.front();
  return schedule;
}

class WinogradCode {
 public:
  explicit WinogradCode(const Request& request)
      : request_(request),
        contract_(*request.node->as<ir::Contract>()),
        whole_(describe(request)),
        grid_(winograd_grid(request)),
        products_(products_of(whole_, grid_)),
        schedule_(schedule_of(grid_)),
        lanes_(grid_.registers.lanes),
        writer_(name(), request),
        code_(writer_.code()),
        transform_(code_, contract_.winograd),
        tile_code_(code_, products_, schedule_) {}

  Call emit() {
    declare();
    const Value block = code_.chunk() % blocks_;
    const Value group = code_.chunk() / blocks_;
    first_tile_ = block * block_;
    count_ = min(block_, tiles_ - first_tile_);
    code_.for_each("tile", number(0), count_, 1, [&](const Value& tile) { transform_input(tile); });
    const Value first = group * chunk_units_;
    const Value last = min(first + chunk_units_, units_);
    const int64_t unit = grid_.unit();
    const int64_t left = contract_.columns % unit;
    const bool has_full = contract_.columns >= unit;
    const Value full = left == 0 ? last : min(last, full_units_);
    if (has_full) {
      code_.for_each("unit", first, full, 1,
                     [&](const Value& u) { unit_of_columns(u, grid_.registers.vectors); });
    }
    if (left != 0) {
      const int vectors = static_cast<int>((left + lanes_ - 1) / lanes_);
      code_.if_(last > full_units_, [&] { unit_of_columns(full_units_, vectors); });
    }
    return writer_.finish(grid_.chunks());
  }

 private:
  // Where a tensor lies: strides in bytes of images, rows and pixels; not valid where it repeats.
  struct Tensor {
    Value at;
    std::vector<Value> steps;
  };
  // A tile: its image and its first row and pixel of the result.
  struct Position {
    Value image, row, pixel;
  };

  std::string name() const {
    const int t = contract_.winograd;
    return fmt::format("winograd{}x{}_{}_{}x{}", t, t, name_of(contract_), grid_.heights.front(),
                       grid_.unit());
  }

  Value number(int64_t value) { return code_.constant(value); }

  void declare() {
    const int tensors = whole_.result() + 1;
    for (int t = 0; t < tensors; ++t) tensors_.push_back(declare_tensor(t));
    const Layout& x = request_.operands[0];
    const Layout& y = request_.results[0];
    for (int axis = 1; axis <= 2; ++axis) {
      inputs_.push_back(writer_.integer(fmt::format("input{}", axis), x.shape[axis]));
      outputs_.push_back(writer_.integer(fmt::format("output{}", axis), y.shape[axis]));
      pads_.push_back(
          writer_.integer(fmt::format("pad{}", axis), contract_.window.pad_lo[axis - 1]));
    }
    across_ = writer_.integer("across", grid_.across);
    down_ = writer_.integer("down", grid_.down);
    tiles_ = writer_.integer("tiles", grid_.tiles);
    block_ = writer_.integer("block", grid_.block);
    blocks_ = writer_.integer("blocks", grid_.blocks);
    units_ = writer_.integer("units", grid_.units);
    chunk_units_ = writer_.integer("chunk_units", grid_.chunk_units);
    if (contract_.columns % grid_.unit() != 0) {
      full_units_ = writer_.integer("full_units", contract_.columns / grid_.unit());
      columns_ = writer_.integer("columns", contract_.columns);
    }
    channels_ = writer_.integer("channels", whole_.channels);
    whole_vectors_ = ir::mod(whole_.channels, lanes_) == Dim(0);
    panel_step_ = writer_.integer("panel_step", whole_.panel_stride * Dim(kSize));
    w_point_ = writer_.integer("w_point", whole_.channels * Dim(whole_.panel * kSize));
    v_row_ = writer_.inner_step("v_row", grid_.v_row * kSize);
    v_point_ = writer_.integer("v_point", grid_.v_point * Dim(kSize));
    m_point_ = writer_.integer("m_point", grid_.m_point * Dim(kSize));
    declare_scratch();
    Steps steps;
    steps.pixel = {v_row_, Value(), number(grid_.unit() * kSize)};
    steps.channels = channels_;
    steps.w_channel = number(int64_t{whole_.panel} * kSize);
    tile_code_.set_steps(std::move(steps));
  }

  Tensor declare_tensor(int t) {
    const bool operand = t < whole_.result();
    const Layout& layout = operand ? request_.operands[t] : request_.results[0];
    Tensor tensor{writer_.pointer(fmt::format("t{}", t), t), {}};
    if (t == 1) return tensor;
    for (int axis = 0; axis < 3; ++axis) {
      const bool repeats = t > 1 && operand && layout.shape[axis] == Dim(1);
      const Dim stride = repeats ? Dim(0) : layout.strides[axis] * Dim(ir::size_of(layout.dtype));
      tensor.steps.push_back(
          stride == Dim(0) ? Value() : writer_.integer(fmt::format("step{}_{}", t, axis), stride));
    }
    return tensor;
  }

  void declare_scratch() {
    const int points = transform_.points();
    const Dim v = grid_.v_point * Dim(points * points);
    const Dim m = grid_.m_point * Dim(points * points);
    const Dim patch = grid_.v_row * points * points;
    const Value v_bytes = writer_.integer("v_bytes", v * Dim(kSize));
    const Value m_bytes = writer_.integer("m_bytes", m * Dim(kSize));
    const bool in_loops = whole_.epilogue && ir::has_elementary(*whole_.epilogue);
    const int64_t sums = in_loops ? int64_t{transform_.tile()} * transform_.tile() * lanes_ : 0;
    const Dim bytes = ir::ceildiv((v + m + patch + Dim(sums)) * Dim(kSize), 64) * Dim(64);
    const Value all = writer_.scratch(bytes);
    const Value own = writer_.integer("scratch_bytes", bytes);
    v_ = code_.address(all, code_.worker() * own);
    m_ = code_.address(v_, v_bytes);
    patch_ = code_.address(m_, m_bytes);
    if (in_loops) sums_ = code_.address(patch_, v_row_ * int64_t{points * points});
  }

  Position position_of(const Value& tile) {
    const Value number = first_tile_ + tile;
    const Value rest = number / across_;
    return {rest / down_, rest % down_ * transform_.tile(), number % across_ * transform_.tile()};
  }

  Value moved(const Tensor& tensor, const Value& from, int axis, const Value& index) {
    const Value& step = tensor.steps[axis];
    return step.valid() ? code_.address(from, index * step) : from;
  }

  // ---- Input ----

  void transform_input(const Value& tile) {
    const Position at = position_of(tile);
    const Tensor& x = tensors_[0];
    const Value row = at.row - pads_[0];
    const Value pixel = at.pixel - pads_[1];
    const Value image = moved(x, x.at, 0, at.image);
    const int n = transform_.points();
    const auto inside = [&](const Value& first, const Value& extent) {
      return code_.binary(loop::Opcode::kAnd, first >= 0, first + n <= extent);
    };
    const loop::Var source = code_.var("source", moved(x, moved(x, image, 1, row), 2, pixel));
    const loop::Var row_step = code_.var("row_step", step_of(x, 1));
    const loop::Var pixel_step = code_.var("pixel_step", step_of(x, 2));
    code_.if_(
        code_.binary(loop::Opcode::kAnd, inside(row, inputs_[0]), inside(pixel, inputs_[1])), [] {},
        [&] {
          copy_patch(image, row, pixel);
          source.set(patch_);
          row_step.set(v_row_ * n);
          pixel_step.set(v_row_);
        });
    transform_patch(source.get(), row_step.get(), pixel_step.get(),
                    code_.address(v_, tile * v_row_));
  }

  Value step_of(const Tensor& tensor, int axis) {
    return tensor.steps[axis].valid() ? tensor.steps[axis] : number(0);
  }

  // Vectors of channels of x: `body(offset, load)`.
  void each_vector(
      const std::function<void(const Value&,
                               const std::function<Value(const Value&, const Value&)>&)>& body) {
    const loop::Type type = loop::vector(DType::kF32, lanes_);
    code_.for_each("channel", number(0), channels_, lanes_, [&](const Value& c) {
      const Value count = whole_vectors_ ? Value() : min(channels_ - c, number(lanes_));
      body(c * kSize, [&](const Value& pointer, const Value& offset) {
        return whole_vectors_ ? code_.load(type, pointer, offset)
                              : code_.load_masked(type, pointer, offset, count);
      });
    });
  }

  // The patch of a tile at the border, zero outside of x.
  void copy_patch(const Value& image, const Value& row, const Value& pixel) {
    const int n = transform_.points();
    const Tensor& x = tensors_[0];
    const Value zero = code_.constant(0.0, loop::vector(DType::kF32, lanes_));
    const auto inside = [&](const Value& at, const Value& extent) {
      return code_.binary(loop::Opcode::kAnd, at >= 0, at < extent);
    };
    code_.for_each("i", number(0), number(n), 1, [&](const Value& i) {
      code_.for_each("j", number(0), number(n), 1, [&](const Value& j) {
        const Value to = code_.address(patch_, (i * n + j) * v_row_);
        const Value y_at = row + i;
        const Value x_at = pixel + j;
        code_.if_(
            code_.binary(loop::Opcode::kAnd, inside(y_at, inputs_[0]), inside(x_at, inputs_[1])),
            [&] {
              const Value from = moved(x, moved(x, image, 1, y_at), 2, x_at);
              each_vector([&](const Value& offset, const auto& load) {
                code_.store(load(from, offset), to, offset);
              });
            },
            [&] {
              each_vector([&](const Value& offset, const auto&) { code_.store(zero, to, offset); });
            });
      });
    });
  }

  void transform_patch(const Value& from, const Value& row_step, const Value& pixel_step,
                       const Value& to) {
    const int n = transform_.points();
    std::vector<Value> rows = {from};
    for (int i = 1; i < n; ++i) rows.push_back(code_.address(rows.back(), row_step));
    std::vector<Value> pixels = {number(0)};
    for (int j = 1; j < n; ++j) pixels.push_back(pixels.back() + pixel_step);
    each_vector([&](const Value& offset, const auto& load) {
      transform_.input([&](int i, int j) { return load(rows[i], offset + pixels[j]); },
                       [&](int i, int j, const Value& v) {
                         code_.store(v, to, offset + v_point_ * int64_t{i * n + j});
                       });
    });
  }

  // ---- Products and output ----

  void unit_of_columns(const Value& index, int vectors) {
    const Value column = index * grid_.unit();
    multiply(column, vectors);
    const bool masked = contract_.columns % lanes_ != 0 && vectors_may_be_short(vectors);
    code_.for_each("tile", number(0), count_, 1, [&](const Value& tile) {
      const Position at = position_of(tile);
      code_.for_each("vector", number(0), number(vectors), 1, [&](const Value& v) {
        const Value first = column + v * int64_t{lanes_};
        Columns columns{first, {}, lanes_};
        if (masked) columns.count = min(columns_ - first, number(lanes_));
        const Value offset = tile * (grid_.unit() * kSize) + v * int64_t{lanes_ * kSize};
        transform_output(at, columns, code_.address(m_, offset));
      });
    });
  }

  bool vectors_may_be_short(int vectors) const {
    const int64_t left = contract_.columns % grid_.unit();
    return left != 0 && vectors == static_cast<int>((left + lanes_ - 1) / lanes_) &&
           left % lanes_ != 0;
  }

  // M[point] = V[point] U[point] for the columns of a unit.
  void multiply(const Value& column, int vectors) {
    const int64_t panel = whole_.panel;
    const Value u =
        code_.address(tensors_[1].at, column / panel * panel_step_ + column % panel * kSize);
    const int points = transform_.points() * transform_.points();
    code_.for_each("point", number(0), number(points), 1, [&](const Value& point) {
      const Unit unit{vectors, {code_.address(u, point * w_point_)}, number(0), {}};
      const Value v = code_.address(v_, point * v_point_);
      const Value m = code_.address(m_, point * m_point_);
      const auto rows = [&](const Value& first, int height) {
        const auto all = static_cast<uint32_t>((uint64_t{1} << height) - 1);
        tile_code_.tile({height, {all}}, unit,
                        {{code_.address(v, first * v_row_), tensors_[1].at,
                          code_.address(m, first * (grid_.unit() * kSize))},
                         {}});
      };
      register_tiles(rows);
    });
  }

  // One height: the last tile may run over into rows of the block that nobody reads.
  void register_tiles(const std::function<void(const Value&, int)>& rows) {
    if (grid_.heights.size() == 1) {
      const int height = grid_.heights.front();
      code_.for_each("rows", number(0), count_, height,
                     [&](const Value& first) { rows(first, height); });
      return;
    }
    Value begin = number(0);
    for (const int height : grid_.heights) {
      code_.for_each("rows", begin, count_ - (height - 1), height,
                     [&](const Value& first) { rows(first, height); });
      begin = begin + (count_ - begin) / height * height;
    }
  }

  void transform_output(const Position& at, const Columns& columns, const Value& m) {
    const int result = whole_.result();
    std::vector<Value> corner(result + 1);
    std::vector<bool> moves(result + 1);
    for (int t = 2; t <= result; ++t) {
      const Tensor& tensor = tensors_[t];
      corner[t] = moved(tensor, tensor.at, 0, at.image);
      corner[t] = moved(tensor, moved(tensor, corner[t], 1, at.row), 2, at.pixel);
      moves[t] = tensor.steps[1].valid() || tensor.steps[2].valid();
    }
    const Epilogue epilogue(code_, whole_, moves);
    const std::vector<Value> shared = epilogue.load_shared(corner, columns);
    const auto store = [&](const Value& i, const Value& j, const Value& sum) {
      std::vector<Value> place = corner;
      for (int t = 2; t <= result; ++t) {
        place[t] = moved(tensors_[t], moved(tensors_[t], corner[t], 1, i), 2, j);
      }
      epilogue.store(sum, shared, place, columns);
    };
    if (sums_.valid()) {
      store_in_loops(at, m, store);
    } else {
      store_unrolled(at, m, store);
    }
  }

  using StoreSum = std::function<void(const Value& i, const Value& j, const Value& sum)>;

  TransformCode::Load load_products(const Value& m) {
    const loop::Type type = loop::vector(DType::kF32, lanes_);
    const int n = transform_.points();
    return [this, type, n, m](int i, int j) {
      return code_.load(type, m, m_point_ * int64_t{i * n + j});
    };
  }

  void store_unrolled(const Position& at, const Value& m, const StoreSum& store) {
    const Value rows_left = outputs_[0] - at.row;
    const Value pixels_left = outputs_[1] - at.pixel;
    transform_.output(load_products(m), [&](int i, const TransformCode::Line& pixels) {
      code_.if_(rows_left > i, [&] {
        const std::vector<Value> line = pixels();
        for (int j = 0; j < transform_.tile(); ++j) {
          code_.if_(pixels_left > j, [&] { store(number(i), number(j), line[j]); });
        }
      });
    });
  }

  // An epilogue of many instructions stands once.
  void store_in_loops(const Position& at, const Value& m, const StoreSum& store) {
    const int t = transform_.tile();
    const int64_t bytes = int64_t{lanes_} * kSize;
    transform_.output(load_products(m), [&](int i, const TransformCode::Line& pixels) {
      const std::vector<Value> line = pixels();
      for (int j = 0; j < t; ++j) code_.store(line[j], sums_, number((i * t + j) * bytes));
    });
    const loop::Type type = loop::vector(DType::kF32, lanes_);
    const auto inside = [&](int axis, const Value& first) {
      return min(outputs_[axis] - first, number(t));
    };
    code_.for_each("i", number(0), inside(0, at.row), 1, [&](const Value& i) {
      code_.for_each("j", number(0), inside(1, at.pixel), 1, [&](const Value& j) {
        store(i, j, code_.load(type, sums_, (i * t + j) * bytes));
      });
    });
  }

  const Request& request_;
  const ir::Contract& contract_;
  Contraction whole_;
  WinogradGrid grid_;
  Contraction products_;
  Schedule schedule_;
  int lanes_;
  TaskWriter writer_;
  loop::Builder& code_;
  TransformCode transform_;
  TileCode tile_code_;

  std::vector<Tensor> tensors_;
  std::vector<Value> inputs_, outputs_, pads_;  // of rows and pixels
  Value across_, down_, tiles_, block_, blocks_, units_, chunk_units_, full_units_, columns_;
  Value channels_, panel_step_, w_point_, v_row_, v_point_, m_point_;
  bool whole_vectors_ = true;
  Value v_, m_, patch_, sums_;  // scratch; sums_ valid: of a tile, for epilogues in loops
  Value first_tile_, count_;
};

}  // namespace

Call winograd_call(const Request& request) { return WinogradCode(request).emit(); }

}  // namespace dovetail::kernels
