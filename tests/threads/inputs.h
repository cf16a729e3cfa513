// Inputs for any model, for the programs of this folder.
#pragma once

#include <dovetail/runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

using Tensors = std::vector<dovetail::Tensor>;
using Dims = std::map<std::string, int64_t>;

[[noreturn]] inline void fail(const std::string& what) {
  std::printf("%s\n", what.c_str());
  std::exit(1);
}

// Of arguments like batch=4.
inline Dims dims_of(int count, char** arguments) {
  Dims dims;
  for (int k = 0; k < count; ++k) {
    const std::string text = arguments[k];
    dims[text.substr(0, text.find('='))] = std::stoll(text.substr(text.find('=') + 1));
  }
  return dims;
}

// Floats are random; integers are 1, which is a token, a length and an index nearly everywhere.
inline dovetail::Tensor make_input(const dv_tensor_info& info, const dv_model& model,
                                   const Dims& dims) {
  std::vector<int64_t> shape;
  for (int axis = 0; axis < info.ndim; ++axis) {
    const dv_dim& dim = info.shape[axis];
    shape.push_back(dim.value >= 0 ? dim.value : dims.at(model.dims[dim.symbol].name));
  }
  const dovetail::Tensor tensor = dovetail::Tensor::empty(shape, info.dtype);
  std::mt19937 random(7);
  std::uniform_real_distribution<float> values(-1, 1);
  std::memset(tensor.raw_data(), 0, tensor.num_bytes());
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    if (info.dtype.code == DV_FLOAT && info.dtype.bits == 32) {
      tensor.data<float>()[i] = values(random);
    } else if (info.dtype.code != DV_FLOAT) {  // the lowest byte of a little-endian integer
      static_cast<char*>(tensor.raw_data())[static_cast<size_t>(i) * info.dtype.bits / 8] = 1;
    }
  }
  return tensor;
}

inline Tensors make_inputs(const dv_model& model, const Dims& dims) {
  Tensors inputs;
  for (int k = 0; k < model.num_inputs; ++k) {
    inputs.push_back(make_input(model.inputs[k], model, dims));
  }
  return inputs;
}
