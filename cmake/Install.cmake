# `make install PREFIX=...`: the command line tool, the runtime with its headers, and what lets other
# projects find them: find_package(Dovetail) with dovetail_add_model(), and pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(DOVETAIL_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/Dovetail")
install(TARGETS dovetail dovetail_runtime dovetail_runtime_archive EXPORT DovetailTargets
        RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(header abi error runtime runtime_c)
  install(FILES "${CMAKE_SOURCE_DIR}/include/dovetail/${header}.h"
          DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/dovetail")
endforeach()
install(EXPORT DovetailTargets NAMESPACE Dovetail:: DESTINATION "${DOVETAIL_CMAKE_DIR}")

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/DovetailConfig.cmake.in" "${CMAKE_BINARY_DIR}/DovetailConfig.cmake"
  INSTALL_DESTINATION "${DOVETAIL_CMAKE_DIR}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/DovetailConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/DovetailConfig.cmake"
              "${CMAKE_BINARY_DIR}/DovetailConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/DovetailAddModel.cmake"
        DESTINATION "${DOVETAIL_CMAKE_DIR}")

configure_file("${CMAKE_CURRENT_LIST_DIR}/dovetail.pc.in" "${CMAKE_BINARY_DIR}/dovetail.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/dovetail.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
