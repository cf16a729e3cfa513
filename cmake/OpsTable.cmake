# The table of operators: every src/ops/NAME.cc defines NAME_ops(), and the generated file lists
# them all. Adding an operator's file is all there is to do.
file(GLOB OPS_FILES CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/ops/*.cc")
set(OPS_DECLARATIONS "")
set(OPS_CALLS "")
foreach(file IN LISTS OPS_FILES)
  get_filename_component(stem "${file}" NAME_WE)
  string(APPEND OPS_DECLARATIONS "std::span<const OpDef> ${stem}_ops();\n")
  string(APPEND OPS_CALLS "          ${stem}_ops(),\n")
endforeach()
configure_file("${CMAKE_CURRENT_LIST_DIR}/ops_table.cc.in" "${CMAKE_BINARY_DIR}/generated/ops_table.cc"
               @ONLY)
target_sources(dovetail_ops PRIVATE "${CMAKE_BINARY_DIR}/generated/ops_table.cc")
