/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The course of a training as an SVG line chart: bits per byte against megabytes learned, on a ground of its own, so that it is legible anywhere.
 */
#include "tools/train_plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#define WIDTH 760
#define HEIGHT 420
#define LEFT 64.0
#define RIGHT 736.0
#define TOP 72.0
#define BOTTOM 366.0
#define TICKS 8
#define SHARE_SEEN (1.0 / (PLOT_POINTS / 2)) /* of the pass: steps smaller than that are not drawn */

struct frame {
	double mb, low, high; /* the axes' ends */
	double tick_mb, tick_bits;
};

static void line_add(struct plot_line *line, double mb, double bits, double step)
{
	struct plot_point *last = line->n ? &line->points[line->n - 1] : NULL;
	bool near = line->n >= 2 && last->mb - line->points[line->n - 2].mb < step;

	if (near || line->n == PLOT_POINTS)
		line->n--;
	line->points[line->n++] = (struct plot_point){mb, bits};
}

void plot_add(struct train_plot *plot, const struct train_progress *p)
{
	const struct plot_line *v = &plot->validation;
	double mb = (double)p->done_bytes / 1e6, step = (double)p->total_bytes / 1e6 * SHARE_SEEN;

	if (p->done_bytes == 0)
		return;
	line_add(&plot->loss, mb, p->loss, step);
	if (p->validation >= 0 && (v->n == 0 || v->points[v->n - 1].bits != p->validation))
		line_add(&plot->validation, mb, p->validation, 0);
}

double plot_tick(double span, unsigned ticks)
{
	double unit = pow(10, floor(log10(span / ticks)));

	for (int i = 0; i < 2; i++, unit *= 10)
		for (int by = 1; by <= 5; by += by == 1 ? 1 : 3)
			if (span / (unit * by) <= ticks)
				return unit * by;
	return unit;
}

static void frame_include(struct frame *f, const struct plot_line *line)
{
	for (size_t i = 0; i < line->n; i++) {
		f->mb = fmax(f->mb, line->points[i].mb);
		f->low = fmin(f->low, line->points[i].bits);
		f->high = fmax(f->high, line->points[i].bits);
	}
}

static struct frame frame_of(const struct train_plot *plot)
{
	struct frame f = {.low = 8};

	frame_include(&f, &plot->loss);
	frame_include(&f, &plot->validation);
	f.mb = f.mb > 0 ? f.mb : 1;
	f.high = f.high > f.low ? f.high : f.low + 1;
	f.tick_mb = plot_tick(f.mb, TICKS);
	f.tick_bits = plot_tick(f.high - f.low, TICKS);
	f.low = floor(f.low / f.tick_bits) * f.tick_bits;
	f.high = ceil(f.high / f.tick_bits) * f.tick_bits;
	return f;
}

static double frame_x(const struct frame *f, double mb)
{
	return LEFT + (RIGHT - LEFT) * mb / f->mb;
}

static double frame_y(const struct frame *f, double bits)
{
	return BOTTOM - (BOTTOM - TOP) * (bits - f->low) / (f->high - f->low);
}

/* A store's name may be any bytes. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<' || *text == '&')
			fputs(*text == '<' ? "&lt;" : "&amp;", out);
		else
			fputc(*text < ' ' || *text > '~' ? '?' : *text, out);
	}
}

static void put_axes(FILE *out, const struct frame *f)
{
	int across = (int)floor(f->mb / f->tick_mb + 1e-6), up = (int)floor((f->high - f->low) / f->tick_bits + 0.5);

	for (int i = 0; i <= up; i++) {
		double bits = f->low + i * f->tick_bits, y = frame_y(f, bits);

		fprintf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#ddd\"/>\n", LEFT, y, RIGHT);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n", LEFT - 8, y + 4, bits);
	}
	for (int i = 0; i <= across; i++) {
		double mb = i * f->tick_mb, x = frame_x(f, mb);

		fprintf(out, "<path d=\"M%.1f %.1fv5\" stroke=\"#555\"/>\n", x, BOTTOM);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>\n", x, BOTTOM + 19, mb);
	}
	fprintf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#555\"/>\n", LEFT, BOTTOM, RIGHT);
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">MB learned</text>\n", (LEFT + RIGHT) / 2, BOTTOM + 42);
	fprintf(out, "<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">bits per byte</text>\n",
		(TOP + BOTTOM) / 2);
}

static void put_line(FILE *out, const struct frame *f, const struct plot_line *line, const char *colour, bool dots)
{
	fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\"", colour);
	for (size_t i = 0; i < line->n; i++)
		fprintf(out, "%.1f,%.1f ", frame_x(f, line->points[i].mb), frame_y(f, line->points[i].bits));
	fputs("\"/>\n", out);
	for (size_t i = 0; dots && i < line->n; i++)
		fprintf(out, "<circle r=\"3\" fill=\"%s\" cx=\"%.1f\" cy=\"%.1f\"/>\n", colour, frame_x(f, line->points[i].mb),
			frame_y(f, line->points[i].bits));
}

static void put_key(FILE *out, double x, const char *colour, const char *text)
{
	fprintf(out, "<path d=\"M%.1f 51h22\" stroke=\"%s\" stroke-width=\"3\"/>\n<text x=\"%.1f\" y=\"55\">%s</text>\n", x, colour,
		x + 28, text);
}

int plot_write(const struct train_plot *plot, const char *path, const char *title)
{
	struct frame f = frame_of(plot);
	FILE *out = fopen(path, "we");
	bool failed;

	if (!out)
		return -errno;
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
	fprintf(out, "<text x=\"%.1f\" y=\"28\" font-size=\"16\">", LEFT);
	put_text(out, title);
	fputs("</text>\n", out);
	put_key(out, LEFT, "#1f6fb4", "training");
	put_key(out, LEFT + 120, "#c8501e", "held out, network alone");
	put_axes(out, &f);
	put_line(out, &f, &plot->loss, "#1f6fb4", false);
	put_line(out, &f, &plot->validation, "#c8501e", true);
	fputs("</svg>\n", out);
	failed = ferror(out) != 0;
	if (fclose(out) != 0)
		return -errno;
	return failed ? -EIO : 0;
}
