/** The attribute of the templates of the list of people, with the tag of the language. */
export const TEMPLATE = 'data-early'
/** Stands for the name of the viewer in them. */
export const VIEWER = '{viewer}'
