# One static library a folder of src, and with it its tests and fuzz targets.
#
#   assay_room(NAME USES neighbours... [PRIVATE libraries...] [EXCEPT files...])
#
# x.cc is the library, x_test.cc goes into one test program a room, and each x_fuzz.cc is a libFuzzer
# program. A room sees the headers of those it names (tests/house checks the same by reading the
# #include lines).

add_library(assay_options INTERFACE)
target_compile_features(assay_options INTERFACE cxx_std_23)
target_include_directories(assay_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(assay_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align
  -Woverloaded-virtual -Wconversion -Wimplicit-fallthrough $<$<BOOL:${ASSAY_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-designated-field-initializers>
  # g++ 12 sees overflows in std::string and std::fill that are none (GCC's bugs 105329 and 105651); clang, the
  # sanitizers and _FORTIFY_SOURCE look for the real ones.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-missing-field-initializers -Wno-array-bounds -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-restrict>)
# _GLIBCXX_ASSERTIONS stays on in every build: a wrong index stops the program, it does not read on.
target_compile_definitions(assay_options INTERFACE _GLIBCXX_ASSERTIONS)
if(ASSAY_SANITIZE)
  target_compile_options(assay_options INTERFACE
    -fsanitize=${ASSAY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(assay_options INTERFACE -fsanitize=${ASSAY_SANITIZE})
else()
  target_compile_options(assay_options INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
  target_link_options(assay_options INTERFACE -Wl,-z,relro,-z,now)
endif()

include(cmake/AssayHeaders.cmake)
set(common_headers <algorithm> <array> <cstdint> <expected> <filesystem> <functional> <map> <memory> <optional> <span>
    <string> <string_view> <vector> <fmt/format.h>)
assay_headers(assay_headers assay_options fmt::fmt HEADERS ${common_headers})
# The rooms of glue: words in, words out. What they cost is the compiler's time with their libraries of templates.
add_library(assay_glue_options INTERFACE)
target_compile_options(assay_glue_options INTERFACE $<$<CONFIG:Release>:-O1>)
target_link_libraries(assay_glue_options INTERFACE assay_options)
assay_headers(assay_cli_headers assay_glue_options fmt::fmt CLI11::CLI11 HEADERS ${common_headers} <CLI/CLI.hpp>)
assay_headers(assay_report_headers assay_glue_options fmt::fmt nlohmann_json::nlohmann_json
              HEADERS ${common_headers} <nlohmann/json.hpp>)

if(ASSAY_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  include(GoogleTest)
  # What tests cost is mostly the compiler's time.
  add_library(assay_test_options INTERFACE)
  target_compile_options(assay_test_options INTERFACE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(assay_test_options INTERFACE assay_options GTest::gtest_main)
  assay_headers(assay_test_headers assay_test_options fmt::fmt HEADERS ${common_headers} <gtest/gtest.h>)
  assay_headers(assay_json_test_headers assay_test_options fmt::fmt nlohmann_json::nlohmann_json
                HEADERS ${common_headers} <gtest/gtest.h> <nlohmann/json.hpp>)
endif()

function(assay_room name)
  cmake_parse_arguments(ROOM "" "" "USES;PRIVATE;EXCEPT" ${ARGN})
  set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${folder}/*_test.cc)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${folder}/*_fuzz.cc)
  list(REMOVE_ITEM sources ${tests} ${fuzzers})
  foreach(file ${ROOM_EXCEPT})
    list(REMOVE_ITEM sources ${folder}/${file})
  endforeach()
  set(uses)
  foreach(use ${ROOM_USES})
    if(use MATCHES "::")
      list(APPEND uses ${use})
    else()
      list(APPEND uses assay_${use})
    endif()
  endforeach()

  if(sources)
    add_library(assay_${name} STATIC ${sources})
    target_link_libraries(assay_${name} PUBLIC assay_options ${uses} PRIVATE ${ROOM_PRIVATE})
    if(TARGET assay_${name}_headers)
      assay_reads(assay_${name} assay_${name}_headers)
    else()
      assay_reads(assay_${name} assay_headers)
    endif()
  else()
    add_library(assay_${name} INTERFACE)
    target_link_libraries(assay_${name} INTERFACE assay_options ${uses})
  endif()

  if(ASSAY_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE assay_${name} assay_testing ${ROOM_PRIVATE} rapidcheck assay_test_options)
    assay_reads(${name}_tests assay_test_headers)
    gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES TIMEOUT 300)
  endif()
  if(ASSAY_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE assay_${name} assay_testing)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
    if(sources)
      target_compile_options(assay_${name} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
  endif()
endfunction()
