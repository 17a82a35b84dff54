/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/compose/scalar.h"

static const Place here = {"file", 1, 1};

static void test_kinds(void)
{
	static const struct {
		const char *text;
		NodeKind kind;
		const char *value;
	} rows[] = {
		{"", NODE_NULL, NULL},
		{"~", NODE_NULL, NULL},
		{"null", NODE_NULL, NULL},
		{"nUll", NODE_STRING, "nUll"},
		{"true", NODE_BOOL, "true"},
		{"False", NODE_BOOL, "false"},
		{"yes", NODE_STRING, "yes"},
		{"12", NODE_INT, "12"},
		{"-3", NODE_INT, "-3"},
		{"+3", NODE_INT, "3"},
		{"0x1F", NODE_INT, "31"},
		{"0o17", NODE_INT, "15"},
		{"0440", NODE_INT, "288"},
		{"0b11", NODE_INT, "3"},
		{"1_000", NODE_INT, "1000"},
		{"08", NODE_FLOAT, "8"},
		{"1.50", NODE_FLOAT, "1.5"},
		{"1e3", NODE_FLOAT, "1000"},
		{".5", NODE_FLOAT, "0.5"},
		{"-.inf", NODE_FLOAT, "-Inf"},
		{".nan", NODE_FLOAT, "NaN"},
		{"1.2.3", NODE_STRING, "1.2.3"},
		{"22:22", NODE_STRING, "22:22"},
		{"2001-01-01", NODE_STRING, "2001-01-01"},
		{"0x", NODE_STRING, "0x"},
		{"-", NODE_STRING, "-"},
		{"9223372036854775807", NODE_INT, "9223372036854775807"},
		{"-9223372036854775808", NODE_INT, "-9223372036854775808"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Node) node = scalar_resolve(rows[i].text, here);
		g_autofree char *value = node_scalar_text(node);
		g_assert_cmpint(node->kind, ==, rows[i].kind);
		g_assert_cmpstr(value, ==, rows[i].value);
	}
}

static void test_casts(void)
{
	static const struct {
		const char *text;
		NodeKind kind;
		const char *value; /* NULL: it stays a string */
	} rows[] = {
		{"5", NODE_INT, "5"},        {"0.5", NODE_FLOAT, "0.5"}, {"yes", NODE_BOOL, "true"},
		{"OFF", NODE_BOOL, "false"}, {"x", NODE_INT, NULL},      {"1.5", NODE_INT, NULL},
		{"maybe", NODE_BOOL, NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Node) node = node_new_string(rows[i].text, here);
		g_assert_cmpint(scalar_cast(node, rows[i].kind), ==, rows[i].value != NULL);
		g_autofree char *value = node_scalar_text(node);
		g_assert_cmpstr(value, ==, rows[i].value ? rows[i].value : rows[i].text);
		g_assert_cmpint(node->kind, ==, rows[i].value ? rows[i].kind : NODE_STRING);
	}
}

static void test_floats(void)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0.1, "0.1"},
		    {100, "100"},
		    {1e20, "100000000000000000000"},
		    {1e21, "1e+21"},
		    {1.0 / 3, "0.3333333333333333"}};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = scalar_format_float(rows[i].value);
		g_assert_cmpstr(text, ==, rows[i].text);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compose/scalar/kinds", test_kinds);
	g_test_add_func("/compose/scalar/casts", test_casts);
	g_test_add_func("/compose/scalar/floats", test_floats);
	return g_test_run();
}
