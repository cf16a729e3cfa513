#include <dovetail/runtime.h>
#include <gtest/gtest.h>

namespace dovetail {
namespace {

// DLPack's versioned structure, as other libraries see it.
struct Managed {
  uint32_t major, minor;
  void* context;
  void (*deleter)(Managed*);
  uint64_t flags;
  dv_tensor tensor;
};

TEST(Tensor, OwnsItsMemory) {
  Tensor a = Tensor::empty({2, 3}, DType::of<int32_t>());
  a.data<int32_t>()[5] = 7;
  const Tensor b = a;
  a = Tensor();
  EXPECT_FALSE(a.defined());
  EXPECT_EQ(b.data<int32_t>()[5], 7);
  EXPECT_EQ(b.num_bytes(), 24u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b.raw_data()) % 64, 0u);
  EXPECT_TRUE(b.is_contiguous());
}

TEST(Tensor, DataOfAnotherTypeIsATypeError) {
  const Tensor tensor = Tensor::empty({1}, DType::of<float>());
  try {
    tensor.data<double>();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kType);
  }
}

TEST(Tensor, ScalarsAndEmptyTensors) {
  const Tensor scalar = Tensor::empty({}, DType::of<double>());
  EXPECT_EQ(scalar.num_elements(), 1);
  const Tensor none = Tensor::empty({3, 0, 2}, DType::of<bool>());
  EXPECT_EQ(none.num_elements(), 0);
  EXPECT_TRUE(none.is_contiguous());
  EXPECT_THROW(Tensor::empty({-1}, DType::of<float>()), Error);
}

TEST(Tensor, GoesThroughDlpackAndBack) {
  Tensor original = Tensor::empty({4}, DType::of<float>());
  original.data<float>()[2] = 1.5f;
  DLManagedTensorVersioned* managed = original.to_dlpack();
  original = Tensor();
  const Tensor back = Tensor::from_dlpack(managed);
  EXPECT_EQ(back.data<float>()[2], 1.5f);
}

TEST(Tensor, TheDeleterOfAnotherLibraryRunsOnce) {
  static int deleted = 0;
  float data[] = {1, 2, 3};
  int64_t shape[] = {3};
  Managed managed{1,       0,
                  nullptr, [](Managed*) { ++deleted; },
                  0,       {data, {DV_CPU, 0}, 1, {DV_FLOAT, 32, 1}, shape, nullptr, 0}};
  {
    const Tensor taken = Tensor::from_dlpack(reinterpret_cast<DLManagedTensorVersioned*>(&managed));
    Tensor copy = taken;
    EXPECT_EQ(copy.data<float>()[1], 2);
    copy = Tensor();
    EXPECT_EQ(deleted, 0);
  }
  EXPECT_EQ(deleted, 1);
}

TEST(DType, NamesGoBothWays) {
  for (const char* name : {"float16", "bfloat16", "float32", "float64", "int8", "int16", "int32",
                           "int64", "uint8", "uint16", "uint32", "uint64", "bool"}) {
    EXPECT_EQ(DType::named(name).name(), name);
  }
  EXPECT_THROW(DType::named("float31"), Error);
}

}  // namespace
}  // namespace dovetail
