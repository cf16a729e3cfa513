# dovetail_onnx_proto: C++ made from the onnx-ml.proto of the pinned onnx wheel, so that the format
# we read is the one of a stated release and no generated file is committed.
file(GLOB ONNX_PROTO "${DOVETAIL_VENV}/lib/python3*/site-packages/onnx/onnx-ml.proto")
if(NOT ONNX_PROTO)
  message(FATAL_ERROR "onnx/onnx-ml.proto is not in ${DOVETAIL_VENV}: run scripts/setup first")
endif()
list(GET ONNX_PROTO 0 ONNX_PROTO)
get_filename_component(ONNX_PROTO_ROOT "${ONNX_PROTO}" DIRECTORY)
get_filename_component(ONNX_PROTO_ROOT "${ONNX_PROTO_ROOT}" DIRECTORY)

set(ONNX_PROTO_OUTPUT "${CMAKE_BINARY_DIR}/generated/proto")
file(MAKE_DIRECTORY "${ONNX_PROTO_OUTPUT}")
add_custom_command(
  OUTPUT "${ONNX_PROTO_OUTPUT}/onnx/onnx-ml.pb.cc" "${ONNX_PROTO_OUTPUT}/onnx/onnx-ml.pb.h"
  COMMAND protobuf::protoc --proto_path "${ONNX_PROTO_ROOT}" --cpp_out "${ONNX_PROTO_OUTPUT}"
          onnx/onnx-ml.proto
  DEPENDS "${ONNX_PROTO}"
  COMMENT "Generating onnx/onnx-ml.pb.h")
add_library(dovetail_onnx_proto STATIC "${ONNX_PROTO_OUTPUT}/onnx/onnx-ml.pb.cc"
            "${ONNX_PROTO_OUTPUT}/onnx/onnx-ml.pb.h")
target_compile_options(dovetail_onnx_proto PRIVATE -w)
if(DOVETAIL_SANITIZE)  # of our own code only
  target_compile_options(dovetail_onnx_proto PRIVATE -fno-sanitize=all)
endif()
# Included as <onnx/onnx-ml.pb.h>.
target_include_directories(dovetail_onnx_proto SYSTEM PUBLIC "${ONNX_PROTO_OUTPUT}")
# The wheel's file asks for the lite runtime; the small library holds all of it.
target_link_libraries(dovetail_onnx_proto PUBLIC protobuf::libprotobuf-lite Threads::Threads)
